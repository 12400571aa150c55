import type { FaultHost } from './host.ts';

/** A device, as far as the overlay is concerned. */
export interface ObservedLink {
  readonly name: string;
  readonly kind: string;
  readonly mtu: number;
  readonly mac: string;
  /** `10.5.69.0/32`. */
  readonly addresses: readonly string[];
}

/** The state of a host: its kernel's, and what containers are to know. */
export interface Observed {
  readonly links: readonly ObservedLink[];
  /** Lines of `ip route`, but for the kernel's own and the default route; sorted. */
  readonly routes: readonly string[];
  /** Permanent entries of `ip neigh`, but for the underlay's; sorted. */
  readonly neighbours: readonly string[];
  /** Entries of the overlay devices' forwarding tables; sorted. */
  readonly fdb: readonly string[];
  /** `-A` lines of iptables-save that are flannel's. */
  readonly iptables: readonly string[];
  /** Rules of the table `flannel-ipv4` of nftables. */
  readonly nftables: readonly string[];
  /** Lines of subnet.env in a row. */
  readonly subnetEnv: string;
}

const PARTS = {
  links: 'ip -json -details address',
  routes: 'ip route',
  neighbours: 'ip neigh show nud permanent',
  fdb: 'bridge fdb show',
  iptables: 'iptables-save',
  nftables: 'nft list table ip flannel-ipv4 2>/dev/null || true',
} as const;

interface RawLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly address?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info: readonly {
    readonly family?: string;
    readonly local: string;
    readonly prefixlen: number;
  }[];
}

/** Reads the kernel's state with one program: starting them is what costs time. */
export async function observe(host: FaultHost): Promise<Observed> {
  const script = Object.entries(PARTS).map(([name, command]) => `echo '== ${name}'; ${command}`);
  const answer = await host.run('sh', '-c', script.join('; '));
  const sections = Object.fromEntries(
    answer.split(/^== /m).map((section) => {
      const [name = '', ...lines] = section.split('\n');
      return [name, lines.map((line) => line.trim()).filter((line) => line !== '')];
    }),
  ) as Record<keyof typeof PARTS, string[]>;
  const links = JSON.parse(sections.links.join('')) as RawLink[];
  return {
    links: links
      .filter(({ ifname }) => ifname.startsWith('flannel'))
      .map(({ ifname, mtu, address = '', linkinfo, addr_info: addresses }) => ({
        name: ifname,
        kind: linkinfo?.info_kind ?? '',
        mtu,
        mac: address,
        addresses: addresses
          .filter(({ family }) => family === 'inet')
          .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      })),
    routes: sections.routes
      .filter((line) => !line.startsWith('default') && !line.includes('proto kernel'))
      .sort(),
    neighbours: sections.neighbours.filter((line) => !line.includes('dev eth0')).sort(),
    fdb: sections.fdb.filter((line) => line.includes('dev flannel') && !line.includes('-rx')).sort(),
    iptables: sections.iptables.filter((line) => line.startsWith('-A') && /FLANNEL/.test(line)),
    nftables: sections.nftables.filter((line) => /^(ip|iif|iifname|meta|jump|counter|accept)/.test(line)),
    subnetEnv: Object.entries(await host.subnetEnv())
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  };
}
