import type { Link } from '@flannel-ts/netlink';
import type { DesiredLink } from './desired.ts';

/** The name of a link's kind, as in `ip link add … type bridge`; `physical` for hardware. */
export function linkKind({ detail, mac }: Link): string {
  if (detail.kind === 'other') return detail.name;
  // The kernel names both kinds `tun`; packets of a TAP device begin with an Ethernet header.
  return detail.kind === 'tun' && mac !== undefined ? 'tap' : detail.kind;
}

export function isOfKind(link: Link, kind: DesiredLink['kind']): boolean {
  return linkKind(link) === kind;
}
