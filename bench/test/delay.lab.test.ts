import { iperf } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { lengthenRoundTrip } from '../src/delay.ts';
import { tunnelPair } from '../src/pairs.ts';

it('a longer round trip takes that time, and carries streams', async () => {
  await using stack = new AsyncDisposableStack();
  const pair = await tunnelPair(stack, 'tunnel', { offloads: 'auto', fastPath: false, peers: 1 });
  await lengthenRoundTrip(stack, pair, 20_000);
  await pair.from.run('ping', '-c', '1', pair.to.address);
  const output = await pair.from.run('ping', '-n', '-c', '3', '-i', '0.1', pair.to.address);
  const times = Array.from(output.matchAll(/ time=([\d.]+) ms/g), ([, time]) => Number(time));
  expect(times).toHaveLength(3);
  for (const time of times) expect(time).toBeGreaterThan(20);
  expect(Math.min(...times)).toBeLessThan(200);
  expect(await iperf(pair.from, pair.to, { seconds: 1 })).toBeGreaterThan(1e6);
});
