import { endianness } from 'node:os';
import type { NetlinkPort, NetlinkPortOptions } from '@flannel-ts/native';

/** linux/netlink.h */
const NETLINK_NETFILTER = 12;
/** linux/netfilter/nfnetlink.h: every change by nft and iptables-nft. Those of iptables-legacy are not reported. */
const NFNLGRP_NFTABLES = 7;

/** Bytes of a message's header: its length (32 bits), its type (16), flags, number, port. */
const HEADER_BYTES = 16;
/** linux/netfilter/nf_tables.h, of the subsystem 10: elements of a set that came or went, and the end of each change. */
const QUIET_TYPES: ReadonlySet<number> = new Set([12, 14, 15].map((type) => (10 << 8) | type));

/**
 * Calls `onChange` whenever the kernel reports a change of its nf_tables rules, or that it lost a report. A host
 * that gives no reports (no nf_tables, no permission) has none.
 *
 * Elements of sets are left to the next resync: programs change them all the time, as we do with each lease.
 */
export function watchNetfilter(
  openPort: (options: NetlinkPortOptions) => NetlinkPort,
  onChange: () => void,
): Disposable {
  try {
    const port = openPort({ protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES] });
    port.listen((datagram) => {
      if (!messageTypes(datagram).every((type) => QUIET_TYPES.has(type))) onChange();
    }, onChange);
    return port;
  } catch {
    return { [Symbol.dispose]: () => undefined };
  }
}

/** Returns the types of a datagram's messages; those of netlink are aligned to 4 bytes, in the host's byte order. */
function messageTypes(datagram: Uint8Array): number[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const littleEndian = endianness() === 'LE';
  const types: number[] = [];
  for (let at = 0; at + HEADER_BYTES <= view.byteLength;) {
    types.push(view.getUint16(at + 4, littleEndian));
    at += Math.max(HEADER_BYTES, (view.getUint32(at, littleEndian) + 3) & ~3);
  }
  return types;
}
