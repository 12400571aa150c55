import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNamespace, run } from '@flannel-ts/lab';
import type { Pair } from './pairs.ts';

const SOURCE = fileURLToPath(new URL('delay-line.cc', import.meta.url));
/** The port of the first container that a host has, on its bridge. */
const PORT = 'veth1';

/**
 * Puts a delay line between the container of the second host and its bridge, where packets are still plain TCP, so that
 * super-packets stay whole.
 * @param roundTrip - microseconds by which round trips get longer
 */
export async function lengthenRoundTrip(
  stack: AsyncDisposableStack,
  pair: Pair,
  roundTrip: number,
): Promise<void> {
  const program = join(pair.lab.directory, 'delay-line');
  await run(['g++', '-std=c++20', '-O2', '-o', program, SOURCE]);
  const [, host] = pair.hosts;
  const line = stack.use(await createNamespace(`${pair.to.namespace}-line`));
  await host.run('ip', 'link', 'set', PORT, 'netns', line.namespace);
  const end = ['type', 'veth', 'peer', 'name', 'end', 'netns', line.namespace];
  await host.run('ip', 'link', 'add', 'line', ...end);
  await host.run('ip', 'link', 'set', 'line', 'master', 'docker0', 'up');
  for (const link of [PORT, 'end']) await line.run('ip', 'link', 'set', link, 'up');
  await line.start([program, PORT, 'end', `${roundTrip / 2}`]).line(/ready/);
}
