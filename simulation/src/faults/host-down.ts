import type { Cluster } from '../world/cluster.ts';
import { macOf, type Host } from '../world/host.ts';
import { trouble } from './span.ts';

/** Kills a daemon and perhaps its host, and starts it again. */
export function loseDaemon(
  cluster: Cluster,
  loss: {
    readonly index: number;
    readonly downMs: number;
    readonly keepSubnetFile: boolean;
    readonly reboot: boolean;
  },
): void {
  restart(cluster, loss, (host) => {
    if (!loss.keepSubnetFile) host.previous = undefined;
    if (loss.reboot) host.kernel.reboot(macOf(host.index, host.random.integer(1, 0xffff)));
  });
}

/** Changes a host whose daemon runs, notices and begins another generation. */
export function beginAgain({ hosts }: Cluster, index: number, change: (host: Host) => void): void {
  const host = hosts[index]!;
  if (!host.daemon || host.time.paused) return;
  host.troubles.mark();
  change(host);
  host.daemon.generation.abort(new Error('the underlay changed'));
}

/** Kills a daemon that runs, changes its host, and starts it again. */
export function restart(
  cluster: Cluster,
  { index, downMs }: { readonly index: number; readonly downMs: number },
  change: (host: Host) => void,
): void {
  const host = cluster.hosts[index]!;
  if (!host.daemon || host.time.paused) return;
  cluster.kill(host);
  change(host);
  if (downMs === Infinity) return;
  trouble(cluster, { hosts: [host], kind: 'blocking', durationMs: downMs }, () => () => cluster.start(host));
}
