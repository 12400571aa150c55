// Every flag, by its upstream name. Each is also read from `FLANNELD_<NAME>`; the command line wins.
import type { FlagTable } from './flag.ts';

const ETCD = 'etcd:';
const INTERFACE = 'Underlay interface:';
const SUBNET = 'Subnet and lease:';
const DATA_PATH = 'Data path:';
const FIREWALL = 'Masquerade and forwarding:';
const DOCKER = 'Docker:';
const HEALTH = 'Health and log:';
const KUBERNETES = 'Kubernetes:';

const KUBERNETES_MANAGER = 'the Kubernetes subnet manager is';

export const etcdFlags = {
  'etcd-endpoints': {
    kind: 'comma-list',
    group: ETCD,
    describe: 'etcd client URLs, separated by commas',
    default: 'http://127.0.0.1:4001,http://127.0.0.1:2379',
    aliases: ['FLANNEL_ETCD_ENDPOINTS', 'FLANNEL_ETCD'],
  },
  'etcd-prefix': {
    kind: 'text',
    group: ETCD,
    describe: 'key prefix of the network',
    default: '/coreos.com/network',
    aliases: ['FLANNEL_ETCD_PREFIX', 'FLANNEL_ETCD_KEY'],
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
    describe: 'its password; better given as FLANNELD_ETCD_PASSWORD or in a file',
    default: '',
  },
  'etcd-password-file': {
    kind: 'text',
    group: ETCD,
    describe: 'file with the password, read again at every sign-in',
    default: '',
  },
} as const satisfies FlagTable;

export const apiFlag = {
  'etcd-api': {
    kind: 'choice',
    choices: ['auto', 'v3', 'v2'],
    group: ETCD,
    describe: 'API of etcd; auto takes the one that has the network config, v3 before v2',
    default: 'auto',
  },
} as const satisfies FlagTable;

export const interfaceFlags = {
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
} as const satisfies FlagTable;

export const subnetFileFlag = {
  'subnet-file': {
    kind: 'text',
    group: SUBNET,
    describe: 'where the subnet, MTU and masquerade setting are written',
    default: '/run/flannel/subnet.env',
  },
} as const satisfies FlagTable;

const leaseFlags = {
  'subnet-lease-ttl': {
    kind: 'duration',
    group: SUBNET,
    describe: 'time to live of the lease: for so long after the end of a host its subnet stays taken',
    default: '24h',
    min: '15s',
    max: '8760h',
  },
  'subnet-lease-renew-margin': {
    kind: 'integer',
    group: SUBNET,
    describe: 'minutes before expiry at which the lease is renewed, at most half of its time to live',
    default: 60,
    min: 1,
    max: 1439,
  },
  'release-lease-on-exit': {
    kind: 'switch',
    group: SUBNET,
    describe: 'delete the lease when the daemon ends, so that another host may take the subnet',
    default: false,
  },
  'ip-blackhole-route': {
    kind: 'switch',
    group: SUBNET,
    describe: 'add a blackhole route for the own subnet, so that packets to absent containers do not loop',
    default: false,
  },
} as const satisfies FlagTable;

const dataPathFlags = {
  'udp-accept': {
    kind: 'choice',
    choices: ['peers', 'any'],
    group: DATA_PATH,
    describe: 'whose packets the udp backend takes: those of leased peers, or any, as upstream does',
    default: 'peers',
  },
  'udp-fast-path': {
    kind: 'choice',
    choices: ['auto', 'off'],
    group: DATA_PATH,
    describe:
      'keep packets of the udp backend in the kernel (eBPF), where this host and the peer can, or never',
    default: 'auto',
  },
  'udp-threads': {
    kind: 'choice',
    choices: ['auto', '1', '2', '4', '8'],
    group: DATA_PATH,
    describe:
      'how many threads carry packets of the udp backend through user space in each direction, auto: by cores',
    default: 'auto',
  },
  'udp-tos': {
    kind: 'choice',
    choices: ['zero', 'inherit'],
    group: DATA_PATH,
    describe:
      'DSCP and ECN of the packets that the udp backend sends: zero, as upstream does, or those of the packets inside (RFC 6040)',
    default: 'zero',
  },
  'vxlan-accept': {
    kind: 'choice',
    choices: ['peers', 'any'],
    group: DATA_PATH,
    describe: 'whose packets the vxlan backend takes: those of leased peers, or any, as upstream does',
    default: 'peers',
  },
} as const satisfies FlagTable;

const firewallFlags = {
  'ip-masq': {
    kind: 'switch',
    group: FIREWALL,
    describe: 'masquerade traffic that leaves the cluster network',
    default: false,
  },
  'ip-masq-fully-random-disable': {
    kind: 'switch',
    group: FIREWALL,
    describe: 'masquerade without --random-fully',
    default: false,
  },
  'iptables-forward-rules': {
    kind: 'switch',
    group: FIREWALL,
    describe: 'accept forwarded packets of the cluster network',
    default: true,
  },
  'iptables-resync': {
    kind: 'integer',
    group: FIREWALL,
    describe: 'seconds between checks of the rules',
    default: 5,
    min: 1,
    max: 86_400,
  },
  'docker-accept-fwmark': {
    kind: 'text',
    group: FIREWALL,
    describe:
      'MARK[/MASK] for packets of remote containers: what dockerd got as --bridge-accept-fwmark, needed with its nftables backend (Engine 29)',
    default: '',
    form: {
      pattern: /^(|(0x[0-9a-f]{1,8}|\d{1,9})(\/(0x[0-9a-f]{1,8}|\d{1,9}))?)$/i,
      name: 'a firewall mark such as 0x100000/0x100000',
    },
  },
} as const satisfies FlagTable;

export const dockerHostFlag = {
  'docker-host': {
    kind: 'text',
    group: DOCKER,
    describe: 'socket of Docker on this host; DOCKER_HOST is not read, as it may name another host',
    default: 'unix:///var/run/docker.sock',
    form: { pattern: /^unix:\/\/\/.+$/, name: 'unix:///PATH' },
  },
} as const satisfies FlagTable;

const dockerFlags = {
  'docker-network': {
    kind: 'text',
    group: DOCKER,
    describe: 'keep a Docker network of this name on the own subnet, for docker run --network',
    default: '',
    form: {
      pattern: /^(?!(bridge|default|host|none)$)([A-Za-z0-9][\w.-]*)?$/,
      name: 'a name of letters, digits, _, . and -, and not bridge, default, host or none',
    },
  },
  ...dockerHostFlag,
  'docker-opts-file': {
    kind: 'text',
    group: DOCKER,
    describe: 'also write Docker daemon options there, as mk-docker-opts does',
    default: '',
  },
  'docker-opts-key': {
    kind: 'text',
    group: DOCKER,
    describe: 'variable that holds all options in that file',
    default: 'DOCKER_OPTS',
    form: { pattern: /^[A-Za-z_]\w*$/, name: 'the name of a shell variable' },
  },
} as const satisfies FlagTable;

const healthFlags = {
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
} as const satisfies FlagTable;

export const logFlag = {
  v: {
    kind: 'integer',
    group: HEALTH,
    describe: 'log verbosity; from 2 on, debug',
    default: 0,
    min: 0,
    max: 2_147_483_647,
  },
} as const satisfies FlagTable;

const kubernetesFlags = {
  'kube-subnet-mgr': {
    kind: 'switch',
    group: KUBERNETES,
    describe: 'take the subnet from the Kubernetes node instead of etcd',
    default: false,
    missing: KUBERNETES_MANAGER,
  },
  'net-config-path': {
    kind: 'text',
    group: KUBERNETES,
    describe: 'network config file of the Kubernetes subnet manager',
    default: '/etc/kube-flannel/net-conf.json',
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
  'use-multi-cluster-cidr': {
    kind: 'switch',
    group: KUBERNETES,
    describe: 'take the subnet from a ClusterCIDR, which some upstream versions could',
    default: false,
    missing: KUBERNETES_MANAGER,
  },
} as const satisfies FlagTable;

/** The flags of the daemon itself. */
export const flags = {
  ...etcdFlags,
  ...apiFlag,
  ...interfaceFlags,
  ...subnetFileFlag,
  ...leaseFlags,
  ...dataPathFlags,
  ...firewallFlags,
  ...dockerFlags,
  ...healthFlags,
  ...logFlag,
  ...kubernetesFlags,
} as const satisfies FlagTable;

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
