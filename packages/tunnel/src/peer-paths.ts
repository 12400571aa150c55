import type { Prefix } from '@flannel-ts/ip';
import type { FastPathState, PeerPath, RouteSink, TunnelRoute } from './tunnel.ts';

/** Remembers how packets to each peer travel, and since when. */
export interface PeerPaths extends RouteSink {
  /** Returns how packets to a route's peer travel. */
  of(destination: Prefix): PeerPath;
}

interface Entry {
  readonly route: TunnelRoute;
  readonly path: PeerPath;
}

/** @param fastPath - whether this host has a fast path */
export function createPeerPaths(fastPath: FastPathState): PeerPaths {
  const entries = new Map<string, Entry>();

  function put(route: TunnelRoute): void {
    const key = route.destination.toString();
    const before = entries.get(key);
    const obstacle = findObstacle(route, fastPath);
    const stays = before && isSamePeer(before.route, route) && obstacleOf(before.path) === obstacle;
    const path: PeerPath = { since: stays ? before.path.since : new Date(), ...describe(obstacle) };
    entries.set(key, { route, path });
  }

  function updateRoutes({ add, remove }: Parameters<RouteSink['updateRoutes']>[0]): void {
    for (const destination of remove) entries.delete(destination.toString());
    add.forEach(put);
  }

  return {
    of: (destination) => entries.get(destination.toString())!.path,
    setLocalSubnets: () => undefined,
    setRoutes(routes) {
      const desired = new Set(routes.map(({ destination }) => destination.toString()));
      for (const key of entries.keys()) if (!desired.has(key)) entries.delete(key);
      routes.forEach(put);
    },
    updateRoutes,
  };
}

/** Returns why packets to a peer go through user space; `undefined` when they stay in the kernel. */
function findObstacle({ destination, peer }: TunnelRoute, fastPath: FastPathState): string | undefined {
  if (!fastPath.on) return `this host has no fast path: ${fastPath.reason}`;
  if (!peer.fastPath) return 'the peer offers no fast path';
  return destination.network.family === 4 ? undefined : 'the fast path carries IPv4 only';
}

function describe(obstacle: string | undefined): { kind: 'fast' } | { kind: 'user-space'; reason: string } {
  return obstacle === undefined ? { kind: 'fast' } : { kind: 'user-space', reason: obstacle };
}

function obstacleOf(path: PeerPath): string | undefined {
  return path.kind === 'fast' ? undefined : path.reason;
}

function isSamePeer({ peer: a }: TunnelRoute, { peer: b }: TunnelRoute): boolean {
  return a.port === b.port && a.address.equals(b.address);
}
