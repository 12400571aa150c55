import { createCluster, createLab, iperf, type Container, type Host } from '@flannel-ts/lab';
import type { BenchContext, Benchmark } from './report.ts';

const BACKENDS = ['udp', 'vxlan', 'host-gw'];

/** TCP between containers of two hosts, by backend, and between the bare hosts, interleaved round by round. */
export const throughput: Benchmark = {
  name: 'throughput',
  describe:
    'TCP of one and four streams between containers: udp, vxlan, host-gw; and plain veth between hosts',
  async run(context) {
    await using stack = new AsyncDisposableStack();
    const pairs: { name: string; from: Container | Host; to: Container | Host }[] = [];
    const lab = stack.use(await createLab());
    pairs.push({ name: 'plain veth', from: await lab.addHost(), to: await lab.addHost() });
    for (const backend of BACKENDS) {
      const cluster = stack.use(await createCluster({ backend: { Type: backend } }));
      const nodes = [await cluster.addNode(), await cluster.addNode()];
      await Promise.all(nodes.map((node) => node.ready()));
      const [from, to] = await Promise.all(nodes.map((node) => node.addContainer()));
      pairs.push({ name: backend, from: from!, to: to! });
    }
    for (let round = 1; round <= context.rounds; round++) {
      for (const pair of pairs) await measure(pair, round, context);
    }
  },
};

async function measure(
  { name, from, to }: { name: string; from: Container | Host; to: Container | Host },
  round: number,
  { sample, progress }: BenchContext,
): Promise<void> {
  for (const streams of [1, 4]) {
    const bitsPerSecond = await iperf(from, to, { seconds: 5, streams });
    progress(`${name}, ${streams} streams, round ${round}: ${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`);
    sample(name, `TCP, ${streams} streams`, 'Mbit/s', bitsPerSecond / 1e6);
  }
}
