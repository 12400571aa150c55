import type { Link, NetlinkConnection } from '@flannel-ts/netlink';
import type { DesiredLink, DesiredVxlan } from './desired.ts';
import { ForeignLinkError, LinkMissingError, ParentMtuError } from './errors.ts';
import { Links } from './kernel-tables.ts';
import { isOfKind, linkKind } from './link-kind.ts';

/** What had to be done for a link. */
export type LinkOutcome = 'unchanged' | 'changed' | 'created' | 'recreated';

/**
 * Makes a link what is desired: adopts it, changes it in place, creates it, or recreates it where it differs
 * in something fixed. A recreated device keeps its MAC address, which peers know. A device of another kind
 * is another program's, and stays.
 * @throws {ForeignLinkError} {@link LinkMissingError} {@link ParentMtuError}, when everything but the MTU is as desired;
 *   `NetlinkError` of `@flannel-ts/netlink`
 */
export async function makeLink(netlink: NetlinkConnection, desired: DesiredLink): Promise<LinkOutcome> {
  const links = new Links(await netlink.links());
  const present = links.named(desired.name);
  if (present && !isOfKind(present, desired.kind))
    throw new ForeignLinkError(present.name, linkKind(present), desired.kind);
  if (desired.kind === 'vxlan') return makeVxlan(netlink, links, desired, present);
  if (!present) throw new LinkMissingError(desired.name, undefined);
  return adjust(netlink, present, differences(present, desired));
}

async function makeVxlan(
  netlink: NetlinkConnection,
  links: Links,
  desired: DesiredVxlan,
  present: Link | undefined,
): Promise<LinkOutcome> {
  const parent = links.named(desired.parent);
  if (!parent) throw new LinkMissingError(desired.parent, desired.name);
  const outcome = await replaceOrAdjust(netlink, desired, present, parent);
  if (!fits(desired, parent)) throw new ParentMtuError(desired, parent.mtu, overheadBytes(desired));
  return outcome;
}

async function replaceOrAdjust(
  netlink: NetlinkConnection,
  desired: DesiredVxlan,
  present: Link | undefined,
  parent: Link,
): Promise<LinkOutcome> {
  if (present && isSameDevice(present, desired, parent.index)) {
    const { mtu, ...others } = differences(present, desired);
    // The kernel refuses an MTU that the parent cannot carry.
    return adjust(netlink, present, fits(desired, parent) && mtu !== undefined ? { ...others, mtu } : others);
  }
  if (present) await netlink.request({ op: 'delete-link', index: present.index });
  await createVxlan(netlink, { ...desired, mac: desired.mac ?? present?.mac }, parent.index);
  return present ? 'recreated' : 'created';
}

/** Whether a link is as desired, in what is fixed and what is not. */
export function isAsDesired(present: Link, desired: DesiredLink, links: Links): boolean {
  if (Object.keys(differences(present, desired)).length > 0) return false;
  if (desired.kind === 'tun') return isOfKind(present, 'tun');
  return isSameDevice(present, desired, links.named(desired.parent)?.index);
}

/** Whether everything that is fixed at a device's creation is as desired. */
function isSameDevice(
  { detail, parentIndex }: Link,
  desired: DesiredVxlan,
  desiredParent: number | undefined,
): boolean {
  return (
    detail.kind === 'vxlan' &&
    parentIndex === desiredParent &&
    detail.vni === desired.vni &&
    detail.port === desired.port &&
    detail.learning === desired.learning &&
    detail.gbp === desired.gbp &&
    detail.group === undefined &&
    !detail.l2miss &&
    desired.local.equals(detail.local)
  );
}

/** What can be changed in place. */
interface LinkChange {
  readonly mtu?: number;
  readonly mac?: string;
  readonly up?: true;
}

function differences(present: Link, desired: DesiredLink): LinkChange {
  const mac = desired.kind === 'vxlan' ? desired.mac : undefined;
  return {
    ...(present.mtu !== desired.mtu && { mtu: desired.mtu }),
    ...(mac !== undefined && present.mac !== mac && { mac }),
    ...(!present.up && { up: true as const }),
  };
}

async function adjust(
  netlink: NetlinkConnection,
  present: Link,
  change: LinkChange,
): Promise<'unchanged' | 'changed'> {
  if (Object.keys(change).length === 0) return 'unchanged';
  await netlink.request({ op: 'set-link', index: present.index, ...change });
  return 'changed';
}

async function createVxlan(
  netlink: NetlinkConnection,
  desired: DesiredVxlan,
  parentIndex: number,
): Promise<void> {
  await netlink.request({ op: 'create-link', link: { ...desired, parentIndex } });
  const created = new Links(await netlink.links()).named(desired.name);
  if (!created) throw new LinkMissingError(desired.name, undefined);
  await netlink.request({ op: 'set-link', index: created.index, up: true });
}

/** Bytes of the outer IP and UDP headers, the VXLAN header and the inner Ethernet header (RFC 7348). */
function overheadBytes({ local }: DesiredVxlan): number {
  return (local.family === 4 ? 20 : 40) + 8 + 8 + 14;
}

function fits(desired: DesiredVxlan, parent: Link): boolean {
  return desired.mtu + overheadBytes(desired) <= parent.mtu;
}
