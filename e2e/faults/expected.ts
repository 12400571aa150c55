import type { StoredLease } from './etcd-client.ts';
import type { NetworkChoice } from './networks.ts';
import type { Observed, ObservedLink } from './observe.ts';

/** What a host's own lease and its underlay are. */
export interface Self {
  readonly underlayAddress: string;
  /** MTU of eth0 in bytes. */
  readonly underlayMtu: number;
}

interface LeaseValue {
  readonly PublicIP: string;
  readonly BackendType?: string;
  readonly BackendData?: { readonly VNI?: number; readonly VtepMAC?: string };
}

/** What the leases say that a host's kernel, rules and files are. Of the firewalls, one has rules. */
export interface Expected extends Omit<Observed, 'links'> {
  readonly link: Omit<ObservedLink, 'kind'> | undefined;
}

/** Derives a host's state from the leases, independently of the product's code. */
export function expectedState(
  network: NetworkChoice,
  leases: readonly StoredLease[],
  { underlayAddress, underlayMtu }: Self,
): Expected {
  const { config, device } = network;
  const values = leases.map(({ key, value }) => ({
    subnet: key.replace('-', '/'),
    base: key.split('-')[0]!,
    value: JSON.parse(value) as LeaseValue,
  }));
  const own = values.find(({ value }) => value.PublicIP === underlayAddress)!;
  const { Type: type, DirectRouting: direct = false } = config.Backend;
  const peers = values.filter(({ value }) => value !== own.value);
  const mtu = underlayMtu - network.overhead;
  const tunnelled = type === 'vxlan' && !direct ? peers : [];
  const mac = own.value.BackendData?.VtepMAC ?? '';
  return {
    routes:
      type === 'udp'
        ? [`${config.Network} dev ${device!}`]
        : peers
            .map(({ subnet, base, value }) =>
              device && !direct
                ? `${subnet} via ${base} dev ${device} onlink`
                : `${subnet} via ${value.PublicIP} dev eth0`,
            )
            .sort(),
    neighbours: tunnelled
      .map(({ base, value }) => `${base} dev ${device!} lladdr ${value.BackendData!.VtepMAC!} PERMANENT`)
      .sort(),
    fdb: tunnelled
      .map(
        ({ value }) => `${value.BackendData!.VtepMAC!} dev ${device!} dst ${value.PublicIP} self permanent`,
      )
      .sort(),
    link: device === undefined ? undefined : { name: device, mtu, mac, addresses: [`${own.base}/32`] },
    subnetEnv: [
      `FLANNEL_NETWORK=${config.Network}`,
      `FLANNEL_SUBNET=${own.subnet.replace('.0/', '.1/')}`,
      `FLANNEL_MTU=${mtu}`,
      'FLANNEL_IPMASQ=true',
    ].join(' '),
    iptables: config.EnableNFTables ? [] : iptablesRules(config.Network, own.subnet),
    nftables: config.EnableNFTables ? nftablesRules(config.Network, own.subnet) : [],
  };
}

/** Returns all rules of iptables but those of single peers. */
function iptablesRules(network: string, subnet: string): string[] {
  const masquerade = '-m comment --comment "flanneld masq"';
  const forward = '-m comment --comment "flanneld forward"';
  const ingress = '-m comment --comment "flanneld ingress"';
  return [
    `-A POSTROUTING ${masquerade} -j FLANNEL-POSTRTG`,
    `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${masquerade} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${subnet} -d ${network} ${masquerade} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${network} -d ${subnet} ${masquerade} -j RETURN`,
    `-A FLANNEL-POSTRTG ! -s ${network} -d ${subnet} ${masquerade} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${network} ! -d 224.0.0.0/4 ${masquerade} -j MASQUERADE --random-fully`,
    `-A FLANNEL-POSTRTG ! -s ${network} -d ${network} ${masquerade} -j MASQUERADE --random-fully`,
    `-A FORWARD ${forward} -j FLANNEL-FWD`,
    `-A FLANNEL-FWD -s ${network} ${forward} -j ACCEPT`,
    `-A FLANNEL-FWD -d ${network} ${forward} -j ACCEPT`,
    `-A FORWARD ${ingress} -j FLANNEL-INGRESS`,
    `-A PREROUTING ${ingress} -j FLANNEL-RAW`,
  ];
}

function nftablesRules(network: string, subnet: string): string[] {
  return [
    `ip saddr ${network} accept comment "flanneld forward"`,
    `ip daddr ${network} accept comment "flanneld forward"`,
    'meta mark & 0x00004000 == 0x00004000 return comment "flanneld masq"',
    `ip saddr ${subnet} ip daddr ${network} return comment "flanneld masq"`,
    `ip saddr ${network} ip daddr ${subnet} return comment "flanneld masq"`,
    `ip saddr != ${network} ip daddr ${subnet} return comment "flanneld masq"`,
    `ip saddr ${network} ip daddr != 224.0.0.0/4 masquerade fully-random comment "flanneld masq"`,
    `ip saddr != ${network} ip daddr ${network} masquerade fully-random comment "flanneld masq"`,
  ];
}
