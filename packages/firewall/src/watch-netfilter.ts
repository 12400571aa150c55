import type { NetlinkPort, NetlinkPortOptions } from '@flannel-ts/native';

/** linux/netlink.h */
const NETLINK_NETFILTER = 12;
/** linux/netfilter/nfnetlink.h: every change by nft and iptables-nft. Those of iptables-legacy are not reported. */
const NFNLGRP_NFTABLES = 7;

/**
 * Calls `onChange` whenever the kernel reports a change of its nf_tables rules, or that it lost a report. A host
 * that gives no reports (no nf_tables, no permission) has none.
 */
export function watchNetfilter(
  openPort: (options: NetlinkPortOptions) => NetlinkPort,
  onChange: () => void,
): Disposable {
  try {
    const port = openPort({ protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES] });
    port.listen(onChange, onChange);
    return port;
  } catch {
    return { [Symbol.dispose]: () => undefined };
  }
}
