import { Address, Prefix } from '@flannel-ts/ip';
import { allocateSubnets, parseNetworkConfig } from '@flannel-ts/subnet';
import type { Benchmark } from './report.ts';

const LEASES = 60_000;

/** How long it takes to choose a free subnet of 10.0.0.0/8 among 60,000 leases. */
export const allocation: Benchmark = {
  name: 'allocation',
  describe: 'choosing a free /24 of 10.0.0.0/8 among 60,000 leases',
  run({ rounds, sample, progress }) {
    const config = parseNetworkConfig('{"Network":"10.0.0.0/8"}');
    const first = new Prefix(new Address(4, 10n << 24n), 24);
    const taken = Array.from({ length: LEASES }, (_, index) => ({ ipv4: first.offset(index + 1) }));
    for (let round = 1; round <= rounds; round++) {
      const started = performance.now();
      const { ipv4 } = allocateSubnets(config, taken, Math.random);
      const milliseconds = performance.now() - started;
      progress(`round ${round}: ${String(ipv4)} in ${milliseconds.toFixed(1)} ms`);
      sample('allocation, 60,000 leases', { metric: 'time', unit: 'ms', value: milliseconds });
    }
    return Promise.resolve();
  },
};
