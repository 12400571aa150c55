import { existsSync, watch } from 'node:fs';
import { once } from 'node:events';
import type { Cluster, Node } from '@flannel-ts/lab';
import { processUsage } from './cpu.ts';
import { createClusterWithPeers } from './leases.ts';
import type { BenchContext, Benchmark } from './report.ts';

/** How long a daemon takes from its start to subnet.env and to ready, and what that costs. */
export const startup: Benchmark = {
  name: 'startup',
  describe:
    'start to subnet.env and to ready (all peers programmed), CPU and memory, with 0, 1,000 and 5,000 leases (vxlan)',
  async run(context) {
    for (const leases of [0, 1_000, 5_000]) {
      await using cluster = await createClusterWithPeers(leases);
      for (let round = 1; round <= context.rounds; round++) {
        context.progress(`${leases} leases, round ${round}`);
        await measure(cluster, leases, context);
      }
    }
  },
};

async function measure(cluster: Cluster, leases: number, { sample }: BenchContext): Promise<void> {
  const name = `startup, ${leases} leases`;
  const node = await cluster.addNode();
  const started = node.daemon.startedAt;
  await subnetFileExists(node);
  sample(name, { metric: 'start to subnet.env', unit: 'ms', value: performance.now() - started });
  await node.ready();
  sample(name, {
    metric: 'start to ready, all peers programmed',
    unit: 'ms',
    value: performance.now() - started,
  });
  const usage = await processUsage(node.daemon.pid);
  sample(name, { metric: 'CPU until ready', unit: 'ms', value: usage.cpuMs });
  sample(name, { metric: 'resident memory when ready', unit: 'MB', value: usage.residentMegabytes });
  const routes = (await node.host.run('ip', 'route', 'show', 'dev', 'flannel.1')).trim().split('\n').length;
  if (routes < leases) throw new Error(`only ${routes} of ${leases} routes are there`);
  await node.daemon.stop();
}

async function subnetFileExists({ subnetFile, host }: Node): Promise<void> {
  const watcher = watch(host.directory);
  while (!existsSync(subnetFile)) await once(watcher, 'change');
  watcher.close();
}
