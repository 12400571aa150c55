import type { Link, NetlinkConnection } from '@flannel-ts/netlink';
import { Links } from './kernel-tables.ts';
import type { WantedLink, WantedVxlan } from './wanted.ts';

/** A wanted link cannot exist yet: its parent, or the TUN that its owner opens, is not there. */
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
 * Makes a link what is wanted: adopts it, changes it in place, creates it, or recreates it where it differs
 * in something fixed. A recreated device keeps its MAC address, which peers know.
 * @throws {LinkMissingError} `NetlinkError` of `@flannel-ts/netlink`
 */
export async function makeLink(netlink: NetlinkConnection, wanted: WantedLink): Promise<LinkOutcome> {
  const links = new Links(await netlink.links());
  const present = links.named(wanted.name);
  if (wanted.kind === 'tun') {
    if (!present) throw new LinkMissingError(wanted.name, undefined);
    return adjust(netlink, wanted, present);
  }
  const parent = links.named(wanted.parent);
  if (!parent) throw new LinkMissingError(wanted.parent, wanted.name);
  if (present && isSameDevice(present, wanted, parent.index)) return adjust(netlink, wanted, present);
  if (present) await netlink.request({ op: 'delete-link', index: present.index });
  await createVxlan(netlink, { ...wanted, mac: wanted.mac ?? present?.mac }, parent.index);
  return present ? 'recreated' : 'created';
}

/** Whether everything that is fixed at a device's creation is as wanted. */
function isSameDevice({ detail, parentIndex }: Link, wanted: WantedVxlan, wantedParent: number): boolean {
  return (
    detail.kind === 'vxlan' &&
    parentIndex === wantedParent &&
    detail.vni === wanted.vni &&
    detail.port === wanted.port &&
    detail.learning === wanted.learning &&
    detail.gbp === wanted.gbp &&
    detail.group === undefined &&
    !detail.l2miss &&
    wanted.local.equals(detail.local)
  );
}

async function createVxlan(
  netlink: NetlinkConnection,
  wanted: WantedVxlan,
  parentIndex: number,
): Promise<void> {
  await netlink.request({ op: 'create-link', link: { ...wanted, parentIndex } });
  const created = new Links(await netlink.links()).named(wanted.name);
  if (!created) throw new LinkMissingError(wanted.name, undefined);
  await netlink.request({ op: 'set-link', index: created.index, up: true });
}

async function adjust(netlink: NetlinkConnection, wanted: WantedLink, present: Link): Promise<LinkOutcome> {
  const mac = wanted.kind === 'vxlan' ? wanted.mac : undefined;
  const change = {
    ...(present.mtu !== wanted.mtu && { mtu: wanted.mtu }),
    ...(mac !== undefined && present.mac !== mac && { mac }),
    ...(!present.up && { up: true }),
  };
  if (Object.keys(change).length === 0) return 'unchanged';
  await netlink.request({ op: 'set-link', index: present.index, ...change });
  return 'changed';
}
