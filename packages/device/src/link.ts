import type { Link, NetlinkConnection } from '@flannel-ts/netlink';
import { Links } from './kernel-tables.ts';
import type { DesiredLink, DesiredVxlan } from './desired.ts';

/** A desired link cannot exist yet: its parent, or the TUN that its owner opens, is not there. */
export class LinkMissingError extends Error {
  /** Name of the missing link. */
  readonly link: string;

  constructor(link: string, neededBy: string | undefined) {
    super(neededBy ? `link ${link} does not exist; ${neededBy} needs it` : `link ${link} does not exist`);
    this.name = 'LinkMissingError';
    this.link = link;
  }
}

/** What had to be done for a link. */
export type LinkOutcome = 'unchanged' | 'changed' | 'created' | 'recreated';

/**
 * Makes a link what is desired: adopts it, changes it in place, creates it, or recreates it where it differs
 * in something fixed. A recreated device keeps its MAC address, which peers know.
 * @throws {LinkMissingError} `NetlinkError` of `@flannel-ts/netlink`
 */
export async function makeLink(netlink: NetlinkConnection, desired: DesiredLink): Promise<LinkOutcome> {
  const links = new Links(await netlink.links());
  const present = links.named(desired.name);
  if (desired.kind === 'tun') {
    if (!present) throw new LinkMissingError(desired.name, undefined);
    return adjust(netlink, desired, present);
  }
  const parent = links.named(desired.parent);
  if (!parent) throw new LinkMissingError(desired.parent, desired.name);
  if (present && isSameDevice(present, desired, parent.index)) return adjust(netlink, desired, present);
  if (present) await netlink.request({ op: 'delete-link', index: present.index });
  await createVxlan(netlink, { ...desired, mac: desired.mac ?? present?.mac }, parent.index);
  return present ? 'recreated' : 'created';
}

/** Whether everything that is fixed at a device's creation is as desired. */
function isSameDevice({ detail, parentIndex }: Link, desired: DesiredVxlan, desiredParent: number): boolean {
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

async function adjust(netlink: NetlinkConnection, desired: DesiredLink, present: Link): Promise<LinkOutcome> {
  const mac = desired.kind === 'vxlan' ? desired.mac : undefined;
  const change = {
    ...(present.mtu !== desired.mtu && { mtu: desired.mtu }),
    ...(mac !== undefined && present.mac !== mac && { mac }),
    ...(!present.up && { up: true }),
  };
  if (Object.keys(change).length === 0) return 'unchanged';
  await netlink.request({ op: 'set-link', index: present.index, ...change });
  return 'changed';
}
