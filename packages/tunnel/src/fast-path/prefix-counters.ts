import { decodeStruct, type BpfMap } from '@flannel-ts/bpf';
import type { Prefix } from '@flannel-ts/ip';
import { encodePrefix } from './encode-prefix.ts';
import { skeleton } from './programs/skeleton.ts';
import { noTraffic, sum, type Traffic } from './traffic.ts';

/** What the programs count by prefix, each CPU on its own. */
export interface PrefixCounters {
  /** Begins with zeros. */
  add(prefix: Prefix): void;
  /** Ends, and adds what the prefix carried to the total of former ones. */
  remove(prefix: Prefix): void;
  /** Reads all counters at once, by one system call for each 4,096 prefixes. */
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

/** Adds the counters of all CPUs. */
function decodeTraffic(values: readonly Uint8Array[]): Traffic {
  const counts = values.map((value): Traffic => {
    const { sentPackets, sentBytes, receivedPackets, receivedBytes } = decodeStruct(layout, value);
    return {
      sent: { packets: sentPackets, bytes: sentBytes },
      received: { packets: receivedPackets, bytes: receivedBytes },
    };
  });
  return counts.reduce(sum, noTraffic);
}
