import type { DaemonStatus } from './generation.ts';
import type { Logger } from './log.ts';

/** Writes what SIGUSR1 asks for: peers, and the tunnel's counters where packets pass through this process. */
export function logCounters(log: Logger, { backend, follower }: DaemonStatus): void {
  const { tunnel } = backend;
  const stats = tunnel?.stats();
  log.info(
    {
      peers: follower.peers,
      ...(stats && totalsOf(stats)),
      ...(tunnel && { fastPath: tunnel.fastPath.on }),
    },
    'counters',
  );
  for (const { route, path, sent, received, inKernel } of stats?.peers ?? []) {
    const peer = `${route.peer.address.toString()}:${route.peer.port}`;
    const { since, kind, ...why } = path;
    log.info(
      { subnet: route.destination.toString(), peer, path: kind, since, ...why, sent, received, inKernel },
      'peer counters',
    );
  }
}

type Stats = ReturnType<NonNullable<DaemonStatus['backend']['tunnel']>['stats']>;

/** @returns of the many reasons of the fast path only those that there were */
function totalsOf({ sent, received, inKernel, drops, fastPath }: Stats) {
  const counted = Object.entries(fastPath ?? {}).filter(([, { packets }]) => packets > 0);
  const notFast = Object.fromEntries(counted.map(([reason, { packets }]) => [reason, packets]));
  return { sent, received, inKernel, drops, ...(fastPath && { notFast }) };
}
