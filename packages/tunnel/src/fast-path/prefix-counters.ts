import { sumCounters, type BpfMap } from '@flannel-ts/bpf';
import type { Prefix } from '@flannel-ts/ip';
import { encodePrefix } from './encode-prefix.ts';
import { skeleton } from './programs/skeleton.ts';
import type { Traffic } from '../tunnel.ts';
import { noTraffic, sum } from './traffic.ts';

/** What the programs count by prefix, each CPU on its own. */
export interface PrefixCounters {
  /** Begins with zeros. */
  add(prefix: Prefix): void;
  /** Ends, and adds what the prefix carried to the total of former ones. */
  remove(prefix: Prefix): void;
  /** Reads all counters at once, by a few system calls. */
  read(): TrafficSnapshot;
}

export interface TrafficSnapshot {
  /** Returns what a prefix carried. */
  of(prefix: Prefix): Traffic;
  /** What all carried, former ones included. */
  readonly total: Traffic;
}

const layout = skeleton.structs.prefixTraffic;

/** @param counters - the map flannel_traffic */
export function createPrefixCounters(counters: BpfMap): PrefixCounters {
  let former = noTraffic;
  return {
    add: (prefix) => counters.set(encodePrefix(prefix), new Uint8Array(layout.bytes)),
    remove(prefix) {
      const key = encodePrefix(prefix);
      former = sum(former, decodeTraffic(counters.get(key) ?? []));
      counters.delete(key);
    },
    read() {
      const found = counters.readAll();
      const byKey = new Map(found.map(({ key, values }) => [nameOf(key), decodeTraffic(values)]));
      return {
        of: (prefix) => byKey.get(nameOf(encodePrefix(prefix))) ?? noTraffic,
        total: [...byKey.values()].reduce(sum, former),
      };
    },
  };
}

function nameOf(key: Uint8Array): string {
  return key.join('.');
}

function decodeTraffic(values: readonly Uint8Array[]): Traffic {
  const { sentPackets, sentBytes, receivedPackets, receivedBytes } = sumCounters(layout, values);
  return {
    sent: { packets: sentPackets, bytes: sentBytes },
    received: { packets: receivedPackets, bytes: receivedBytes },
  };
}
