import { flanneldPair, hostPair } from './pairs.ts';
import type { Benchmark } from './report.ts';
import { measureTcp } from './tcp.ts';

/** TCP between containers of two hosts, by backend, and between the bare hosts, interleaved round by round. */
export const throughput: Benchmark = {
  name: 'throughput',
  describe:
    'TCP of one and four streams between containers of flanneld: udp, vxlan, host-gw; and plain veth between hosts',
  async run({ rounds, traffic, sample, progress }) {
    await using stack = new AsyncDisposableStack();
    const pairs = [await hostPair(stack, 'plain veth')];
    for (const backend of ['udp', 'vxlan', 'host-gw'])
      pairs.push(await flanneldPair(stack, backend, backend));
    for (let round = 1; round <= rounds; round++) {
      for (const pair of pairs) {
        progress(`round ${round}: ${pair.name}`);
        for (const streams of [1, 4]) {
          for (const figure of await measureTcp(pair, streams, traffic)) sample(pair.name, figure);
        }
      }
    }
  },
};
