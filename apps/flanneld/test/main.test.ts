import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Runs the daemon's program; every command line here ends it at once. */
function flanneld(...args: string[]) {
  const main = join(import.meta.dirname, '../src/main.ts');
  return spawnSync(process.execPath, ['--conditions=@flannel-ts/source', main, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], FLANNELD_VMODULE: 'x=1' },
  });
}

it('ends with exit code 2 and one line for a flag without a value', () => {
  const { status, stdout, stderr } = flanneld('-ip-masq', '-iface');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe(
    'flanneld: -iface must have a value, such as -iface=VALUE (flanneld --help shows all flags)\n',
  );
});

it('names the ignored flags in one warning', () => {
  const nobody = '-etcd-endpoints=http://127.0.0.1:1';
  const { stderr } = flanneld('etcd-migrate', nobody, '-logtostderr', '-log_dir', '/x', '-v=0');
  const lines = stderr.trim().split('\n');
  expect(lines.filter((line) => line.includes('log_dir'))).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'warn',
    flags: ['-log_dir', '-logtostderr', 'FLANNELD_VMODULE'],
  });
});
