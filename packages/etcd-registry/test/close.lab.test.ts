import { fileURLToPath } from 'node:url';
import { start, startEtcd, type Etcd } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';
import { APIS } from './support.ts';

const watcher = [
  process.execPath,
  '--conditions=@flannel-ts/source',
  fileURLToPath(new URL('./watcher.ts', import.meta.url)),
];

describe.each(APIS)('a closed %s registry leaves nothing running', (api) => {
  for (const [state, bringAbout, said] of [
    ['answers', () => undefined, /snapshot/],
    ['is down', (etcd: Etcd) => etcd.kill(), /interrupted/],
    ['hangs', (etcd: Etcd) => etcd.stop(), /interrupted/],
  ] as const) {
    it(`while etcd ${state}`, async () => {
      await using etcd = await startEtcd({ enableV2: true });
      await using program = start([...watcher, api, ...etcd.endpoints]);
      await program.line(/snapshot/);
      await bringAbout(etcd);
      await program.line(said);
      const closing = performance.now();
      program.signal('SIGTERM');
      expect(await program.exited).toBe(0);
      // A request that is not given up takes 3 s.
      expect(performance.now() - closing).toBeLessThan(2_900);
      expect(program.lines).toContain('Error: the registry was closed');
      expect(program.lines).toContain('the watch ended');
    });
  }
});
