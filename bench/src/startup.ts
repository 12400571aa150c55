import { existsSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createCluster, type Cluster, type Node } from '@flannel-ts/lab';
import { putPeers } from './leases.ts';
import type { BenchContext, Benchmark } from './report.ts';

/** How long a daemon takes from its start to subnet.env and to all peers programmed, and what that costs. */
export const startup: Benchmark = {
  name: 'startup',
  describe:
    'start to subnet.env and to all peers programmed, CPU and memory, with 0, 1,000 and 5,000 leases (vxlan)',
  async run(context) {
    for (const leases of [0, 1_000, 5_000]) {
      await using cluster = await createCluster({
        backend: { Type: 'vxlan' },
        network: { Network: '10.0.0.0/8' },
      });
      await putPeers(cluster, leases);
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
  sample(name, 'start to subnet.env', 'ms', performance.now() - started);
  await node.ready();
  sample(name, 'start to all peers programmed', 'ms', performance.now() - started);
  const usage = await processUsage(node.daemon.pid);
  sample(name, 'CPU until then', 'ms', usage.cpuMs);
  sample(name, 'resident memory', 'MB', usage.residentMegabytes);
  const routes = (await node.host.run('ip', 'route', 'show', 'dev', 'flannel.1')).trim().split('\n').length;
  if (routes < leases) throw new Error(`only ${routes} of ${leases} routes are there`);
  await node.daemon.stop();
}

async function subnetFileExists({ subnetFile, host }: Node): Promise<void> {
  const watcher = watch(host.directory);
  while (!existsSync(subnetFile)) await once(watcher, 'change');
  watcher.close();
}

/** CPU time and resident memory of a process, from /proc (proc(5)). */
async function processUsage(pid: number): Promise<{ cpuMs: number; residentMegabytes: number }> {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  const resident = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1];
  const ticks = Number(stat[11]) + Number(stat[12]);
  return { cpuMs: ticks * 10, residentMegabytes: Number(resident) / 1024 };
}
