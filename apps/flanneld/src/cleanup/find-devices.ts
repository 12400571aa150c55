import { removeFastPath } from '@flannel-ts/backend';
import type { Link, LinkAddress, NetlinkConnection } from '@flannel-ts/netlink';
import type { Footprint } from './footprint.ts';
import type { Findings } from './steps.ts';

/** Kinds of devices that flannel makes, upstream's other backends included. */
const KINDS = ['vxlan', 'tun', 'ipip', 'wireguard'];
/** `flannel.1`, `flannel-v6.1`, `flannel0`, `flannel.ipip`, `flannel-wg`, … */
const NAME = /^flannel(\d|[.-])/;
/** What the fast path of udp adds to the name of the TUN device. */
const FAST_PATH_SUFFIX = '-rx';
const MAIN_TABLE = 254;

/** A device with a name and kind of flannel's, and its addresses. */
export interface Candidate {
  readonly link: Link;
  /** Not those that the kernel gives. */
  readonly addresses: readonly LinkAddress[];
}

export async function listCandidates(netlink: NetlinkConnection): Promise<readonly Candidate[]> {
  const [links, addresses] = await Promise.all([netlink.links(), netlink.addresses()]);
  return links
    .filter(({ name, detail }) =>
      NAME.test(name) ? KINDS.includes(detail.kind === 'other' ? detail.name : detail.kind) : false,
    )
    .map((link) => ({
      link,
      addresses: addresses.filter(({ linkIndex, scope }) => linkIndex === link.index && scope === 'global'),
    }));
}

/** The devices of this network: the daemon gives them the first address of the host's subnet. */
export async function listDevices(
  netlink: NetlinkConnection,
  footprint: Footprint,
): Promise<readonly Link[]> {
  const candidates = await listCandidates(netlink);
  const names = new Map(candidates.map((candidate) => [candidate.link.name, candidate]));
  return candidates.filter((candidate) => isOurs(candidate, names, footprint)).map(({ link }) => link);
}

/** Deletes a device, with the programs that belong to it at other interfaces. */
export async function deleteDevice(
  netlink: NetlinkConnection,
  { index, name }: Pick<Link, 'index' | 'name'>,
): Promise<void> {
  const tun = tunOf(name);
  if (tun === name) await netlink.request({ op: 'delete-link', index });
  else removeFastPath(tun);
}

/** The devices of this network, to be deleted with their routes. */
export async function findDevices(netlink: NetlinkConnection, footprint: Footprint): Promise<Findings> {
  const leftovers = (await listDevices(netlink, footprint)).map(async ({ index, name }) => {
    const routes = (await netlink.routes({ linkIndex: index })).filter(({ table }) => table === MAIN_TABLE);
    return {
      what: `device ${name}${routes.length > 0 ? ` with its routes (${routes.length})` : ''}`,
      delete: () => deleteDevice(netlink, { index, name }),
    };
  });
  return { leftovers: await Promise.all(leftovers) };
}

/** A device without an address is known by the record; one with another address has another owner by now. */
function isOurs(
  { link: { name }, addresses }: Candidate,
  candidates: ReadonlyMap<string, Candidate>,
  footprint: Footprint,
): boolean {
  const tun = tunOf(name);
  if (tun !== name) {
    const candidate = candidates.get(tun);
    return candidate ? isOurs(candidate, candidates, footprint) : isRecorded(footprint, tun);
  }
  if (addresses.length === 0) return isRecorded(footprint, name);
  const own = footprint.overlays.map(({ subnet }) => subnet.network);
  return addresses.some(({ address }) => own.some((first) => first.equals(address)));
}

function isRecorded({ record }: Footprint, name: string): boolean {
  return record.has({ kind: 'link', name });
}

/** The TUN device that a device of the fast path belongs to; any other device belongs to itself. */
export function tunOf(name: string): string {
  return name.endsWith(FAST_PATH_SUFFIX) ? name.slice(0, -FAST_PATH_SUFFIX.length) : name;
}
