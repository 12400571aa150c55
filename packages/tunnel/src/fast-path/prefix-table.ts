import { createMap, type BpfMap } from '@flannel-ts/bpf';
import type { Prefix } from '@flannel-ts/ip';
import type { Counter, RouteChange, RouteSink, TunnelRoute } from '../tunnel.ts';
import {
  owner,
  prefixEntry,
  prefixEntryBytes,
  prefixKey,
  prefixKeyBytes,
  prefixLengths,
} from './prefix-entry.ts';

/** A /8 cut into /24. What is beyond goes through user space, as does what has none of the longest lengths. */
const MAX_ENTRIES = 65_536;

/** What a fast path moved. */
export interface Traffic {
  readonly sent: Counter;
  readonly received: Counter;
}

/** The IPv4 prefixes of peers and of this host as the programs see them, with counters. */
export interface PrefixTable extends RouteSink, Disposable {
  /** An entry by prefix: what an address costs does not depend on how many there are. */
  readonly entries: BpfMap;
  /** One entry: the lengths that there are. */
  readonly lengths: BpfMap;
  /** Returns what a route carried. */
  traffic(destination: Prefix): Traffic;
  /** Returns what all routes carried, former ones included. */
  total(): Traffic;
}

export function createPrefixTable(): PrefixTable {
  const entries = createMap({
    ...{ type: 'hash', keyBytes: prefixKeyBytes, valueBytes: prefixEntryBytes, maxEntries: MAX_ENTRIES },
  });
  const lengths = createMap({ type: 'array', keyBytes: 4, valueBytes: 4 * prefixLengths, maxEntries: 1 });
  /** How many entries have a length. */
  const counts = new Map<number, number>();
  const routes = new Map<string, TunnelRoute>();
  let localSubnets: readonly Prefix[] = [];
  /** What routes carried that are gone. */
  let former = noTraffic;

  function put(prefix: Prefix, entry: Uint8Array): void {
    entries.set(encodePrefix(prefix), entry);
    count(prefix.length, 1);
  }

  function remove(prefix: Prefix): void {
    former = sum(former, read(prefix));
    entries.delete(encodePrefix(prefix));
    count(prefix.length, -1);
  }

  function count(length: number, change: 1 | -1): void {
    const before = counts.get(length) ?? 0;
    counts.set(length, before + change);
    if (before === 0 || before + change === 0) writeLengths();
  }

  /** Keeps only the longest lengths; a match on one cannot hide a longer match among those dropped. */
  function writeLengths(): void {
    const used = [...counts].flatMap(([length, count]) => (count > 0 ? [length] : []));
    const longest = used.sort((a, b) => b - a).slice(0, prefixLengths);
    const words = new Uint32Array(prefixLengths);
    words.set(longest);
    lengths.set(new Uint8Array(4), new Uint8Array(words.buffer));
  }

  function read(prefix: Prefix): Traffic {
    const entry = entries.get(encodePrefix(prefix));
    return entry ? decodeTraffic(entry) : noTraffic;
  }

  function putRoute(route: TunnelRoute): void {
    const key = route.destination.toString();
    const before = routes.get(key);
    if (before && samePeer(before, route)) {
      if (before.peer.fastPath === route.peer.fastPath) return;
      // The route keeps its counters; what a packet counts in between is lost.
      const prefix = encodePrefix(route.destination);
      entries.set(prefix, encodeRoute(route, entries.get(prefix)));
    } else {
      removeRoute(route.destination);
      if (routes.size >= MAX_ENTRIES - localSubnets.length) return;
      put(route.destination, encodeRoute(route));
    }
    routes.set(key, route);
  }

  function removeRoute(destination: Prefix): void {
    if (routes.delete(destination.toString())) remove(destination);
  }

  function updateRoutes(change: RouteChange): void {
    change.remove.forEach(removeRoute);
    for (const route of change.add) if (isIpv4(route.destination)) putRoute(route);
  }

  return {
    entries,
    lengths,
    setLocalSubnets(subnets) {
      localSubnets.forEach(remove);
      localSubnets = subnets.map(({ prefix }) => prefix).filter(isIpv4);
      for (const subnet of localSubnets) put(subnet, encodeLocalSubnet());
    },
    updateRoutes,
    setRoutes(all) {
      const desired = new Set(all.map(({ destination }) => destination.toString()));
      const gone = [...routes.values()].filter(({ destination }) => !desired.has(destination.toString()));
      updateRoutes({ add: all, remove: gone.map(({ destination }) => destination) });
    },
    traffic: (destination) => (routes.has(destination.toString()) ? read(destination) : noTraffic),
    total: () => [...routes.values()].map(({ destination }) => read(destination)).reduce(sum, former),
    [Symbol.dispose]() {
      entries[Symbol.dispose]();
      lengths[Symbol.dispose]();
    },
  };
}

function isIpv4({ network }: Prefix): boolean {
  return network.family === 4;
}

function encodePrefix({ network, length }: Prefix): Uint8Array {
  const key = new DataView(new ArrayBuffer(prefixKeyBytes));
  key.setUint32(prefixKey.network, Number(network.value), true);
  key.setUint32(prefixKey.length, length, true);
  return new Uint8Array(key.buffer);
}

/** @param counters - an entry to take the counters from; zeros without one */
function encodeRoute({ peer }: TunnelRoute, counters?: Uint8Array): Uint8Array {
  const bytes = counters ?? new Uint8Array(prefixEntryBytes);
  const entry = new DataView(bytes.buffer);
  entry.setUint32(prefixEntry.address, Number(peer.address.value));
  entry.setUint16(prefixEntry.port, peer.port);
  entry.setUint8(prefixEntry.owner, peer.fastPath ? owner.fastPeer : owner.peer);
  return bytes;
}

function encodeLocalSubnet(): Uint8Array {
  const entry = new Uint8Array(prefixEntryBytes);
  entry[prefixEntry.owner] = owner.self;
  return entry;
}

function decodeTraffic(entry: Uint8Array): Traffic {
  const view = new DataView(entry.buffer);
  const counter = (offset: number) => ({
    packets: Number(view.getBigUint64(offset, true)),
    bytes: Number(view.getBigUint64(offset + 8, true)),
  });
  return { sent: counter(prefixEntry.sent), received: counter(prefixEntry.received) };
}

function samePeer(a: TunnelRoute, b: TunnelRoute): boolean {
  return a.peer.port === b.peer.port && a.peer.address.value === b.peer.address.value;
}

const noTraffic: Traffic = { sent: { packets: 0, bytes: 0 }, received: { packets: 0, bytes: 0 } };

/** Adds two, counter by counter. */
export function sum(a: Traffic, b: Traffic): Traffic {
  return { sent: add(a.sent, b.sent), received: add(a.received, b.received) };
}

function add(a: Counter, b: Counter): Counter {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
