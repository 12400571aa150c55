import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { createLogSink } from '../src/log-sink.ts';

const LINES = 2000;

it('loses the lines that no one reads in time, and writes whole ones when someone does', async () => {
  const log = fileURLToPath(new URL('../src/log.ts', import.meta.url));
  const script = `
    import { createLog } from '${log}';
    const log = createLog({ debug: false, terminal: false });
    for (let index = 0; index < ${LINES}; index++) log.info({ padding: 'x'.repeat(1000) }, 'early');
    process.stdout.write('written');
    setInterval(() => log.info({}, 'late'), 10);`;
  const flags = ['--conditions=@flannel-ts/source', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    if (line.endsWith('"late"}')) break;
  }
  expect(lines.length).toBeLessThan(LINES);
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ msg: 'late' });
  expect(lines.filter((line) => !line.endsWith('}')).length).toBeLessThanOrEqual(1);
});

it('goes on when the disk is full', () => {
  const fd = openSync('/dev/full', 'w');
  const sink = createLogSink(fd);
  expect(() => sink.write('lost\n')).not.toThrow();
  closeSync(fd);
});
