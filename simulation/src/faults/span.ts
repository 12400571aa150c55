import type { Cluster } from '../world/cluster.ts';
import type { Host } from '../world/host.ts';
import type { Trouble } from '../world/troubles.ts';

/** Begins something on each host that lasts; `begin` returns how it ends. */
export function trouble(
  { scheduler }: Cluster,
  span: { readonly hosts: readonly Host[]; readonly kind: Trouble; readonly durationMs: number },
  begin: (host: Host) => () => void,
): void {
  for (const host of span.hosts) {
    host.troubles.begin(span.kind);
    const end = begin(host);
    scheduler.at(scheduler.now + span.durationMs, () => {
      end();
      host.troubles.end(span.kind);
    });
  }
}

/** Ends the streams of a host's watches. */
export function interrupt(host: Host): void {
  host.troubles.mark();
  for (const watch of host.watches) watch.interrupt();
}
