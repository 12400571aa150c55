import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('delivers SIGUSR1 to its handler under --disable-sigusr1, which blocks it', async () => {
  const script = `
    import { unblockSignal } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))};
    process.on('SIGUSR1', () => { console.log('handled'); process.exit(0); });
    unblockSignal('SIGUSR1');
    setInterval(() => undefined, 1000);
    console.log('listening');
  `;
  const child = spawn(process.execPath, ['--disable-sigusr1', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (text.includes('listening')) child.kill('SIGUSR1');
  });
  await once(child, 'close');
  expect(output).toBe('listening\nhandled\n');
});
