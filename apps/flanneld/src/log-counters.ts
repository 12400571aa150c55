import type { DaemonStatus } from './generation.ts';
import type { Logger } from './log.ts';

/** Writes what SIGUSR1 asks for: peers, and the tunnel's counters where packets pass through this process. */
export function logCounters(log: Logger, { backend, follower }: DaemonStatus): void {
  const { tunnel } = backend;
  const stats = tunnel?.stats();
  log.info(
    {
      peers: follower.peers,
      ...(stats && { sent: stats.sent, received: stats.received, drops: stats.drops }),
      ...(tunnel && { fastPath: tunnel.fastPath.on }),
    },
    'counters',
  );
  for (const { route, sent, received } of stats?.peers ?? []) {
    const peer = `${route.peer.address.toString()}:${route.peer.port}`;
    log.info({ subnet: route.destination.toString(), peer, sent, received }, 'peer counters');
  }
}
