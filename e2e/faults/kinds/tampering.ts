import { seconds, unready, type Fault } from '../fault.ts';
import { observe, type Observed } from '../observe.ts';
import type { FaultHost } from '../host.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

interface Tampering {
  readonly kind: string;
  readonly suits?: Fault['suits'];
  /** As of an injection: milliseconds that the recovery may take more than others. @default 0 */
  readonly extraMs?: number;
  /** Returns the commands, of which each may fail. */
  readonly commands: (context: {
    readonly host: FaultHost;
    readonly seen: Observed;
    readonly world: World;
    readonly random: Random;
  }) => readonly string[];
}

/** Milliseconds between full compares of the kernel's state that nothing asked for. */
const COMPARE_MS = 60_000;

const isTunnelled = ({ network: { config } }: World) =>
  config.Backend.Type === 'vxlan' && !config.Backend.DirectRouting;
const hasDevice = ({ network }: World) => network.device !== undefined;

/** Host state that another program changes, and that the daemon repairs by itself. */
const TAMPERINGS: readonly Tampering[] = [
  {
    kind: 'routes deleted and replaced',
    commands: ({ seen, random, world: { lab } }) =>
      seen.routes.flatMap((route) => {
        const to = route.split(' ')[0]!;
        return random.pick([
          [`ip route del ${to}`],
          [`ip route del ${to}`, `ip route add ${to} via ${lab.underlayAddress} dev eth0`],
          [],
        ]);
      }),
  },
  {
    kind: 'neighbours deleted and changed',
    suits: isTunnelled,
    commands: ({ seen, random }) =>
      seen.neighbours.flatMap((entry) => {
        const [address, , device] = entry.split(' ');
        return random.pick([
          [`ip neigh del ${address!} dev ${device!}`],
          [`ip neigh replace ${address!} dev ${device!} lladdr 02:00:00:00:00:42 nud permanent`],
        ]);
      }),
  },
  {
    kind: 'FDB entries deleted and changed',
    suits: isTunnelled,
    commands: ({ seen, random }) =>
      seen.fdb.flatMap((entry) => {
        const [mac, , device] = entry.split(' ');
        return random.pick([
          [`bridge fdb del ${mac!} dev ${device!}`],
          [`bridge fdb replace ${mac!} dev ${device!} dst 192.168.77.250 self permanent`],
        ]);
      }),
  },
  {
    kind: 'entries of no peer added',
    suits: isTunnelled,
    // They do no harm, and go with the next full compare.
    extraMs: COMPARE_MS,
    commands: ({ world: { network } }) => {
      const device = network.device!;
      const base = network.config.Network.replace('.0.0/16', '.240.0');
      return [
        `bridge fdb append 02:00:00:00:00:43 dev ${device} dst 192.168.77.251 self permanent`,
        `ip neigh add ${base} dev ${device} lladdr 02:00:00:00:00:43 nud permanent`,
        `ip route add ${base}/24 via ${base} dev ${device} onlink`,
      ];
    },
  },
  {
    kind: 'overlay device reconfigured',
    suits: hasDevice,
    commands: ({ random, seen, world: { network } }) => {
      const { name, addresses } = seen.links.find((link) => link.name === network.device)!;
      return random.pick([
        [`ip link set ${name} down`],
        [`ip link set ${name} mtu 1280`],
        addresses.map((address) => `ip address del ${address} dev ${name}`),
        [`ip address add 10.99.0.1/32 dev ${name}`, `ip address flush dev ${name}`],
      ]);
    },
  },
  {
    kind: 'firewall rules flushed, deleted and repeated',
    commands: ({ random }) =>
      random.pick([
        ['iptables -F', 'iptables -t nat -F', 'iptables -t raw -F'],
        ['nft flush ruleset'],
        ['nft delete table ip flannel-ipv4', 'iptables -F FLANNEL-FWD', 'iptables -t nat -F FLANNEL-POSTRTG'],
        [
          'iptables -C FORWARD -j FLANNEL-FWD -m comment --comment "flanneld forward" && iptables -A FORWARD -j FLANNEL-FWD -m comment --comment "flanneld forward"',
          'iptables -t nat -C POSTROUTING -j FLANNEL-POSTRTG -m comment --comment "flanneld masq" && iptables -t nat -A POSTROUTING -j FLANNEL-POSTRTG -m comment --comment "flanneld masq"',
        ],
      ]),
  },
  {
    kind: 'subnet.env deleted or changed',
    commands: ({ random, host }) => [
      random.pick([`rm ${host.files}/subnet.env`, `echo nonsense > ${host.files}/subnet.env`]),
    ],
  },
];

export const tamperingFaults: readonly Fault[] = [
  ...TAMPERINGS.map(({ kind, suits, commands, extraMs = 0 }): Fault => ({
    kind,
    ...(suits && { suits }),
    async inject(world, random) {
      const host = random.pick(world.hosts);
      const lines = commands({ host, seen: await observe(host), world, random });
      await host.inFiles('sh', '-c', `${lines.map((line) => `{ ${line}; } 2>/dev/null;`).join(' ')} :`);
      return { what: `${host.name}: ${lines.join('; ')}`, holdMs: 0, extraMs, heal: async () => undefined };
    },
  })),
  {
    kind: 'disk full',
    combines: true,
    async inject({ hosts }, random) {
      const host = random.pick(hosts);
      const filler = `${host.files}/filler`;
      await host.inFiles(
        'sh',
        '-c',
        `rm -f "$0/subnet.env"; dd if=/dev/zero of="$1" 2>/dev/null || :`,
        host.files,
        filler,
      );
      const effect = unready([host], /files failing since .*subnet\.env cannot be written: ENOSPC/);
      const heal = () => host.inFiles('rm', filler);
      return { what: host.name, holdMs: seconds(random, 0, 3), effect, heal };
    },
  },
];
