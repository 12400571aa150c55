import { expect, it } from 'vitest';
import { tunnelPair } from '../src/pairs.ts';
import { watchPath } from '../src/path.ts';

it.each([
  [true, 'through user space'],
  [false, 'in the kernel'],
] as const)('a run is refused whose packets took another path (fast path: %s)', async (fastPath, other) => {
  await using stack = new AsyncDisposableStack();
  const pair = await tunnelPair(stack, 'tunnel', { offloads: 'auto', fastPath, peers: 1 });
  // Else the kernel sends router solicitations of its own into the TUN devices.
  for (const host of pair.hosts) await host.run('sysctl', '-qw', 'net.ipv6.conf.flannel0.disable_ipv6=1');
  // The first packet asks for link addresses.
  await pair.from.run('ping', '-c', '1', pair.to.address);
  const check = await watchPath(pair);
  const refuse = await watchPath({ ...pair, path: other });
  await expect(check()).rejects.toThrow('0 packets went in the kernel, 0 through user space');
  await pair.from.run('ping', '-c', '3', '-i', '0.1', pair.to.address);
  await check();
  await expect(refuse()).rejects.toThrow(fastPath ? '3 packets went in the kernel' : '3 through user space');
});
