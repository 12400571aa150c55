import type { Underlay } from '@flannel-ts/backend';
import { parsePrefix, prefixOf, tryParseAddress, type Address } from '@flannel-ts/ip';
import type { Link, LinkAddress, NetlinkConnection } from '@flannel-ts/netlink';
import { UsageError } from './flag-value.ts';
import type { Settings } from './request.ts';

/** The flags that choose the underlay. */
export type UnderlayChoice = Pick<
  Settings,
  'iface' | 'iface-regex' | 'iface-can-reach' | 'public-ip' | 'public-ipv6'
>;

/** No interface fits the flags now; one may appear. The message names the flag and what there is. */
export class UnderlayMissingError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnderlayMissingError';
  }
}

/**
 * Finds the interface for traffic between hosts, in upstream's order: `-iface` list, `-iface-regex` list,
 * `-iface-can-reach`, the interface that holds `-public-ip`, the default route's.
 * @throws {UnderlayMissingError} while no interface fits, or the one that fits has no IPv4 address
 * @throws {UsageError} for an `-iface-regex` that is not a regular expression
 */
export async function findUnderlay(netlink: NetlinkConnection, choice: UnderlayChoice): Promise<Underlay> {
  const [links, addresses] = await Promise.all([netlink.links(), netlink.addresses()]);
  const host: HostLinks = { links, addresses: addresses.filter((entry) => entry.scope === 'global') };
  const { link, address } = await select(netlink, host, choice);
  const own = host.addresses.filter((entry) => entry.linkIndex === link.index);
  const ipv4 = address?.family === 4 ? address : own.find((entry) => entry.address.family === 4)?.address;
  const ipv6 = address?.family === 6 ? address : own.find((entry) => entry.address.family === 6)?.address;
  // Every backend sends over IPv4 so far. An IPv6 address may come first, as the IPv4 one waits for DHCP.
  if (!ipv4) {
    throw new UnderlayMissingError(
      `interface ${link.name} has no global IPv4 address; give it one or choose another by -iface`,
    );
  }
  return {
    link: link.name,
    mtu: link.mtu,
    address: { ipv4, ipv6 },
    onLink: own.map((entry) => prefixOf(entry.address, entry.prefixLength)),
    publicIp: { ipv4: choice['public-ip'] ?? ipv4, ipv6: choice['public-ipv6'] ?? ipv6 },
  };
}

/** What the log says of the chosen interface. */
export function underlayFacts({ link, mtu, publicIp }: Underlay): object {
  const { ipv4, ipv6 } = publicIp;
  return {
    interface: link,
    mtu,
    ...(ipv4 && { publicIp: ipv4.toString() }),
    ...(ipv6 && { publicIpv6: ipv6.toString() }),
  };
}

interface HostLinks {
  readonly links: readonly Link[];
  /** Global addresses only. */
  readonly addresses: readonly LinkAddress[];
}

/** The chosen link, and the address that chose it. */
interface Selected {
  readonly link: Link;
  readonly address?: Address | undefined;
}

async function select(
  netlink: NetlinkConnection,
  host: HostLinks,
  choice: UnderlayChoice,
): Promise<Selected> {
  const expressions = choice['iface-regex'].map(compile);
  const flags = [
    ...choice.iface.map((text) => `-iface ${text}`),
    ...choice['iface-regex'].map((text) => `-iface-regex ${text}`),
  ];
  if (flags.length > 0) {
    const found =
      first(choice.iface, (text) => byNameOrAddress(host, text)) ??
      first(expressions, (expression) => byExpression(host, expression));
    if (found) return found;
    throw new UnderlayMissingError(`no interface matches ${flags.join(', ')}; there are ${describe(host)}`);
  }
  if (choice['iface-can-reach']) return byRoute(netlink, host, choice['iface-can-reach'], '-iface-can-reach');
  const holder = choice['public-ip'] && byAddress(host, choice['public-ip']);
  return holder ?? byRoute(netlink, host, undefined, 'the default route');
}

function byNameOrAddress(host: HostLinks, text: string): Selected | undefined {
  const address = tryParseAddress(text);
  if (address) return byAddress(host, address);
  const link = host.links.find((candidate) => candidate.name === text);
  return link && { link };
}

function byAddress(host: HostLinks, address: Address): Selected | undefined {
  const entry = host.addresses.find((candidate) => candidate.address.equals(address));
  const link = entry && host.links.find((candidate) => candidate.index === entry.linkIndex);
  return link && { link, address };
}

function compile(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new UsageError(`-iface-regex must be a regular expression, not ${JSON.stringify(text)}`);
  }
}

/** Addresses are tried before names, as upstream does. */
function byExpression(host: HostLinks, expression: RegExp): Selected | undefined {
  const entry = host.addresses.find((candidate) => expression.test(candidate.address.toString()));
  if (entry) return byAddress(host, entry.address);
  const link = host.links.find((candidate) => expression.test(candidate.name));
  return link && { link };
}

async function byRoute(
  netlink: NetlinkConnection,
  host: HostLinks,
  destination: Address | undefined,
  what: string,
): Promise<Selected> {
  const route = destination ? await routeTo(netlink, destination) : await defaultRoute(netlink);
  const link = host.links.find((candidate) => candidate.index === route?.linkIndex);
  if (link) return { link, address: route?.source };
  throw new UnderlayMissingError(
    `${what} leads to no interface; choose one by -iface, there are ${describe(host)}`,
  );
}

async function routeTo(netlink: NetlinkConnection, destination: Address) {
  try {
    return await netlink.routeTo(destination);
  } catch (cause) {
    throw new UnderlayMissingError(`there is no route to -iface-can-reach ${destination.toString()}`, {
      cause,
    });
  }
}

/** The default route of the main table with the lowest metric, IPv4 before IPv6. */
async function defaultRoute(netlink: NetlinkConnection) {
  const anywhere = [parsePrefix('0.0.0.0/0'), parsePrefix('::/0')];
  const routes = (await netlink.routes()).filter(
    (route) =>
      route.table === MAIN_TABLE &&
      route.linkIndex !== undefined &&
      anywhere.some((any) => any.equals(route.destination)),
  );
  return routes.sort(
    (a, b) => a.destination.family - b.destination.family || (a.metric ?? 0) - (b.metric ?? 0),
  )[0];
}

const MAIN_TABLE = 254;

function first<S, T>(candidates: readonly S[], find: (candidate: S) => T | undefined): T | undefined {
  for (const candidate of candidates) {
    const found = find(candidate);
    if (found) return found;
  }
  return undefined;
}

function describe(host: HostLinks): string {
  const names = host.links.map((link) => {
    const own = host.addresses.filter((entry) => entry.linkIndex === link.index);
    return own.length > 0
      ? `${link.name} (${own.map((entry) => entry.address.toString()).join(', ')})`
      : link.name;
  });
  return names.join(', ');
}
