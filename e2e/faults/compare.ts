import type { StoredLease } from './etcd-client.ts';
import type { Expected } from './expected.ts';
import type { Observed, ObservedLink } from './observe.ts';
import { overlap } from './prefix.ts';

/** A host, as far as leases are concerned. */
export interface LeaseHolder {
  readonly name: string;
  readonly underlayAddress: string;
}

/** Returns which leases overlap, and which hosts have none or several. */
export function compareLeases(leases: readonly StoredLease[], hosts: readonly LeaseHolder[]): string[] {
  return [
    ...leases.flatMap(({ key }, index) =>
      leases
        .slice(index + 1)
        .flatMap((other) => (overlap(key, other.key) ? [`${key} overlaps ${other.key}`] : [])),
    ),
    ...hosts.flatMap(({ name, underlayAddress }) => {
      const own = leases.filter(({ publicIp }) => publicIp === underlayAddress);
      return own.length === 1
        ? []
        : [`${name}: ${own.length} leases: ${own.map(({ key }) => key).join(', ')}`];
    }),
  ];
}

/** Returns what of a host's kernel, rules and files is not as expected. */
export function compareHost(expected: Expected, observed: Observed): string[] {
  return [
    ...compareLinks(expected, observed),
    ...difference('routes', expected.routes, observed.routes),
    ...difference('neighbours', expected.neighbours, observed.neighbours),
    ...difference('fdb', expected.fdb, observed.fdb),
    ...compareRules(expected, observed),
    ...difference('subnet.env', [expected.subnetEnv], [observed.subnetEnv]),
  ];
}

function compareLinks({ link }: Expected, { links }: Observed): string[] {
  const isOf = (name: string) => name === link?.name || (link?.name === 'flannel0' && name === 'flannel0-rx');
  const strays = links.filter(({ name }) => !isOf(name)).map(({ name }) => `a device ${name}`);
  if (!link) return strays;
  const describe = ({ name, mtu, mac, addresses }: Omit<ObservedLink, 'kind'>) =>
    `${name} mtu ${mtu} ${mac} ${addresses.join(' ')}`;
  const found = links
    .filter(({ name }) => name === link.name)
    // A TUN device has no MAC.
    .map((device) => describe({ ...device, mac: link.mac && device.mac }));
  return [...strays, ...difference('device', [describe(link)], found)];
}

function compareRules(expected: Expected, { iptables, nftables }: Observed): string[] {
  // Their rules follow the peers' addresses in as few prefixes as hold them.
  const chains = expected.iptables.length > 0 ? ['FLANNEL-INGRESS', 'FLANNEL-RAW'] : [];
  const inChain = (rule: string, chain: string) => rule.startsWith(`-A ${chain} `);
  const others = iptables.filter((rule) => !chains.some((chain) => inChain(rule, chain)));
  return [
    ...[...iptables, ...nftables]
      .filter((rule, index, all) => all.indexOf(rule) !== index)
      .map((rule) => `twice ${rule}`),
    ...difference('iptables', expected.iptables, others),
    ...difference('nftables', expected.nftables, nftables),
    ...chains
      .filter((chain) => !iptables.some((rule) => inChain(rule, chain)))
      .map((chain) => `iptables: ${chain} is empty`),
  ];
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string[] {
  return [
    ...expected.filter((line) => !found.includes(line)).map((line) => `${what}: missing ${line}`),
    ...found.filter((line) => !expected.includes(line)).map((line) => `${what}: unexpected ${line}`),
  ];
}
