/** How a flag's text becomes a value. */
interface FlagBase {
  readonly group: string;
  readonly describe: string;
  /** What the flag needs and does not have yet: given in earnest, it is refused, never ignored. */
  readonly missing?: string;
}

export type Flag =
  | (FlagBase & { readonly kind: 'text'; readonly default: string })
  | (FlagBase & { readonly kind: 'switch'; readonly default: boolean })
  | (FlagBase & {
      readonly kind: 'integer';
      readonly default: number;
      readonly min: number;
      readonly max: number;
    })
  | (FlagBase & { readonly kind: 'address'; readonly family?: 4 | 6 })
  | (FlagBase & { readonly kind: 'comma-list'; readonly default: string })
  | (FlagBase & { readonly kind: 'repeatable' });

const ETCD = 'etcd:';
const INTERFACE = 'Underlay interface:';
const SUBNET = 'Subnet and lease:';
const FIREWALL = 'Masquerade and forwarding:';
const HEALTH = 'Health and log:';
const KUBERNETES = 'Kubernetes:';

const MASQUERADE = 'masquerade and forward rules are';
const KUBERNETES_MANAGER = 'the Kubernetes subnet manager is';

/** Every flag, by its upstream name. Each is also read from `FLANNELD_<NAME>`; the command line wins. */
export const flags = {
  'etcd-endpoints': {
    kind: 'comma-list',
    group: ETCD,
    describe: 'etcd client URLs, separated by commas',
    default: 'http://127.0.0.1:4001,http://127.0.0.1:2379',
  },
  'etcd-prefix': {
    kind: 'text',
    group: ETCD,
    describe: 'key prefix of the network',
    default: '/coreos.com/network',
  },
  'etcd-keyfile': { kind: 'text', group: ETCD, describe: 'key of the client certificate (PEM)', default: '' },
  'etcd-certfile': { kind: 'text', group: ETCD, describe: 'client certificate (PEM)', default: '' },
  'etcd-cafile': {
    kind: 'text',
    group: ETCD,
    describe: 'CA that signed the server certificates (PEM)',
    default: '',
  },
  'etcd-username': { kind: 'text', group: ETCD, describe: 'user for password authentication', default: '' },
  'etcd-password': {
    kind: 'text',
    group: ETCD,
    describe: 'its password; better given as FLANNELD_ETCD_PASSWORD',
    default: '',
  },

  iface: {
    kind: 'repeatable',
    group: INTERFACE,
    describe: 'interface name or address for traffic between hosts; the first of several that exists',
  },
  'iface-regex': {
    kind: 'repeatable',
    group: INTERFACE,
    describe: 'regular expression over addresses, then names, of interfaces; after -iface',
  },
  'iface-can-reach': {
    kind: 'address',
    group: INTERFACE,
    describe: 'the interface that routes to this address',
  },
  'public-ip': {
    kind: 'address',
    family: 4,
    group: INTERFACE,
    describe: 'IPv4 address that peers send to (default: the interface’s)',
  },
  'public-ipv6': {
    kind: 'address',
    family: 6,
    group: INTERFACE,
    describe: 'IPv6 address that peers send to (default: the interface’s)',
  },

  'subnet-file': {
    kind: 'text',
    group: SUBNET,
    describe: 'where to write the subnet, MTU and masquerade setting',
    default: '/run/flannel/subnet.env',
  },
  'subnet-lease-renew-margin': {
    kind: 'integer',
    group: SUBNET,
    describe: 'minutes before expiry at which the lease is renewed',
    default: 60,
    min: 1,
    max: 1439,
  },
  'net-config-path': {
    kind: 'text',
    group: KUBERNETES,
    describe: 'network config file of the Kubernetes subnet manager',
    default: '/etc/kube-flannel/net-conf.json',
    missing: KUBERNETES_MANAGER,
  },
  'ip-blackhole-route': {
    kind: 'switch',
    group: SUBNET,
    describe: 'add a blackhole route for the own subnet, so that packets to absent containers do not loop',
    default: false,
    missing: 'the blackhole route is',
  },

  'ip-masq': {
    kind: 'switch',
    group: FIREWALL,
    describe: 'masquerade traffic that leaves the cluster network',
    default: false,
    missing: MASQUERADE,
  },
  'ip-masq-fully-random-disable': {
    kind: 'switch',
    group: FIREWALL,
    describe: 'masquerade without --random-fully',
    default: false,
    missing: MASQUERADE,
  },
  'iptables-forward-rules': {
    kind: 'switch',
    group: FIREWALL,
    describe: 'accept forwarded packets of the cluster network',
    default: false,
    missing: MASQUERADE,
  },
  'iptables-resync': {
    kind: 'integer',
    group: FIREWALL,
    describe: 'seconds between checks of the rules',
    default: 5,
    min: 1,
    max: 86_400,
    missing: MASQUERADE,
  },

  'healthz-ip': {
    kind: 'address',
    group: HEALTH,
    describe: 'address of /healthz and /readyz (default 0.0.0.0)',
  },
  'healthz-port': {
    kind: 'integer',
    group: HEALTH,
    describe: 'TCP port of /healthz and /readyz; 0 is off',
    default: 0,
    min: 0,
    max: 65_535,
  },
  v: {
    kind: 'integer',
    group: HEALTH,
    describe: 'log verbosity; from 2 on, debug',
    default: 0,
    min: 0,
    max: 10,
  },

  'kube-subnet-mgr': {
    kind: 'switch',
    group: KUBERNETES,
    describe: 'take the subnet from the Kubernetes node instead of etcd',
    default: false,
    missing: KUBERNETES_MANAGER,
  },
  'kube-api-url': {
    kind: 'text',
    group: KUBERNETES,
    describe: 'API server URL',
    default: '',
    missing: KUBERNETES_MANAGER,
  },
  'kubeconfig-file': {
    kind: 'text',
    group: KUBERNETES,
    describe: 'kubeconfig file',
    default: '',
    missing: KUBERNETES_MANAGER,
  },
  'kube-annotation-prefix': {
    kind: 'text',
    group: KUBERNETES,
    describe: 'prefix of node annotations',
    default: 'flannel.alpha.coreos.com',
    missing: KUBERNETES_MANAGER,
  },
  'set-node-network-unavailable': {
    kind: 'switch',
    group: KUBERNETES,
    describe: 'clear the node’s NetworkUnavailable condition',
    default: true,
    missing: KUBERNETES_MANAGER,
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** Flags that flannel 0.5 to 0.7 had for its server mode and several networks, and what to do instead. */
export const retiredFlags: readonly string[] = [
  'listen',
  'remote',
  'remote-keyfile',
  'remote-certfile',
  'remote-cafile',
  'networks',
  'subnet-dir',
];
