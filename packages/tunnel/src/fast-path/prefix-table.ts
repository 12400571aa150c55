import { encodeStruct, type BpfMap } from '@flannel-ts/bpf';
import type { Prefix } from '@flannel-ts/ip';
import type { RouteChange, RouteSink, TunnelRoute } from '../tunnel.ts';
import { encodePortRange } from './encode-port-range.ts';
import { encodePrefix } from './encode-prefix.ts';
import { createPrefixCounters, type TrafficSnapshot } from './prefix-counters.ts';
import { skeleton } from './programs/skeleton.ts';

const { prefixEntry, prefixLengths } = skeleton.structs;
const { owner } = skeleton.enums;

/** The maps of prefixes that the programs read and count in. */
export interface PrefixMaps {
  readonly flannel_prefix: BpfMap;
  readonly flannel_lengths: BpfMap;
  readonly flannel_traffic: BpfMap;
}

/** The IPv4 prefixes of peers and of this host as the programs see them, with counters. */
export interface PrefixTable extends RouteSink {
  /** Reads what the routes carried. */
  traffic(): TrafficSnapshot;
}

export function createPrefixTable(maps: PrefixMaps): PrefixTable {
  const { flannel_prefix: entries, flannel_lengths: lengths } = maps;
  const counters = createPrefixCounters(maps.flannel_traffic);
  /** How many entries have a length. */
  const counts = new Map<number, number>();
  const routes = new Map<string, TunnelRoute>();
  let localSubnets: readonly Prefix[] = [];

  function put(prefix: Prefix, entry: Uint8Array): void {
    entries.set(encodePrefix(prefix), entry);
    count(prefix.length, 1);
  }

  function remove(prefix: Prefix): void {
    entries.delete(encodePrefix(prefix));
    count(prefix.length, -1);
  }

  function count(length: number, change: 1 | -1): void {
    const before = counts.get(length) ?? 0;
    counts.set(length, before + change);
    if (before === 0 || before + change === 0) writeLengths();
  }

  /**
   * Keeps only the longest lengths; a match on one cannot hide a longer match among those dropped.
   */
  function writeLengths(): void {
    const used = [...counts].flatMap(([length, count]) => (count > 0 ? [length] : []));
    const words = new Uint32Array(prefixLengths.bytes / 4);
    const longest = used.sort((a, b) => b - a).slice(0, words.length);
    words.set(longest);
    lengths.set(new Uint8Array(4), new Uint8Array(words.buffer));
  }

  function putRoute(route: TunnelRoute): void {
    const { destination } = route;
    const before = routes.get(destination.toString());
    if (before && samePeer(before, route)) {
      // The route keeps its counters, which are not in the entry.
      const entry = encodeRoute(route);
      if (Buffer.compare(entry, encodeRoute(before)) !== 0) entries.set(encodePrefix(destination), entry);
    } else {
      removeRoute(destination);
      if (routes.size >= entries.maxEntries - localSubnets.length) return;
      counters.add(destination);
      put(destination, encodeRoute(route));
    }
    routes.set(destination.toString(), route);
  }

  function removeRoute(destination: Prefix): void {
    if (!routes.delete(destination.toString())) return;
    remove(destination);
    counters.remove(destination);
  }

  function updateRoutes(change: RouteChange): void {
    change.remove.forEach(removeRoute);
    for (const route of change.add) if (isIpv4(route.destination)) putRoute(route);
  }

  return {
    setLocalSubnets(subnets) {
      localSubnets.forEach(remove);
      localSubnets = subnets.map(({ prefix }) => prefix).filter(isIpv4);
      for (const subnet of localSubnets) put(subnet, encodeStruct(prefixEntry, { owner: owner.self }));
    },
    updateRoutes,
    setRoutes(all) {
      const desired = new Set(all.map(({ destination }) => destination.toString()));
      const gone = [...routes.values()].filter(({ destination }) => !desired.has(destination.toString()));
      updateRoutes({ add: all, remove: gone.map(({ destination }) => destination) });
    },
    traffic: () => counters.read(),
  };
}

function isIpv4({ network }: Prefix): boolean {
  return network.family === 4;
}

function encodeRoute({ peer }: TunnelRoute): Uint8Array {
  return encodeStruct(prefixEntry, {
    address: Number(peer.address.value),
    port: peer.port,
    sourcePorts: encodePortRange(peer.sourcePorts),
    ecn: peer.ecn ? 1 : 0,
    owner: peer.fastPath ? owner.fastPeer : owner.peer,
  });
}

function samePeer(a: TunnelRoute, b: TunnelRoute): boolean {
  return a.peer.port === b.peer.port && a.peer.address.value === b.peer.address.value;
}
