import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type KernelEvent, type NetlinkConnection } from '@flannel-ts/netlink';
import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import {
  createDevice,
  type Device,
  type DeviceEvent,
  type HostState,
  type Ownership,
  type DesiredVxlan,
} from '../../src/index.ts';
import { linesOf } from './words.ts';

export const vxlan: DesiredVxlan = {
  kind: 'vxlan',
  name: 'flannel.1',
  vni: 1,
  port: 8472,
  parent: 'eth0',
  local: parseAddress('192.0.2.1'),
  learning: false,
  gbp: false,
  mtu: 1450,
  mac: '02:00:00:00:00:01',
};

/** The device and address of the host itself. */
export const self: HostState = {
  links: [vxlan],
  addresses: [{ link: 'flannel.1', address: parseInterfaceAddress('10.5.1.0/32') }],
};

/** What a vxlan peer asks of the host. */
export function peer(
  number: number,
  mac = `02:00:00:00:01:${number.toString(16).padStart(2, '0')}`,
): HostState {
  const destination = parsePrefix(`10.5.${number}.0/24`);
  return {
    routes: [{ destination, gateway: destination.network, link: 'flannel.1', onlink: true }],
    neighbours: [{ link: 'flannel.1', address: destination.network, mac }],
    fdb: [{ link: 'flannel.1', mac, destination: parseAddress(`192.0.2.${number}`) }],
  };
}

/** What a host-gw peer asks of the host. */
export function gatewayPeer(number: number): HostState {
  const gateway = parseAddress(`192.0.2.${number}`);
  return { routes: [{ destination: parsePrefix(`10.5.${number}.0/24`), gateway, link: 'eth0' }] };
}

export function desired(owners: Record<string, HostState>): ReadonlyMap<string, HostState> {
  return new Map(Object.entries(owners));
}

/** The subnets 10.5.1.0/24 to 10.5.199.0/24, as vxlan with direct routing has it. */
export const ownership: Ownership = {
  links: [{ name: 'flannel.1', kind: 'vxlan' }],
  gatewayRoutes: [
    { link: 'eth0', from: parseAddress('10.5.1.0'), to: parseAddress('10.5.199.0'), prefixLength: 24 },
  ],
};

/** A network namespace with `eth0` at `192.0.2.1/24`, and a device that keeps its kernel. */
export interface Host extends AsyncDisposable {
  readonly namespace: Namespace;
  readonly netlink: NetlinkConnection;
  readonly device: Device;
  /** What the devices reported. */
  readonly events: readonly DeviceEvent[];
  /** Another device for the same kernel, as after a restart of the process. */
  createDevice(netlink?: NetlinkConnection): Device;
  /** Waits until a device has reported something that fits. */
  reported(fits: (event: DeviceEvent) => boolean): Promise<void>;
  /** Returns what the kernel reports while `work` is done. */
  record(work: () => Promise<unknown>): Promise<readonly KernelEvent[]>;
  /** Runs a command inside. */
  run(command: string): Promise<string>;
  /** Runs a command inside and returns its lines, sorted. */
  lines(command: string): Promise<string[]>;
  /** Everything on `flannel.1`, in the words of `ip` and `bridge`. */
  overlay(): Promise<string[]>;
}

let hosts = 0;

export async function createHost(): Promise<Host> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await createNamespace(`ftlab-${process.pid}-device${++hosts}`));
  const run = (command: string) => namespace.run(...command.split(' '));
  const lines = async (command: string) => linesOf(await run(command)).sort();
  await run('ip link add eth0 type veth peer name far');
  await run('ip link set far up');
  await run('ip link set eth0 up');
  await run('ip address add 192.0.2.1/24 dev eth0');
  const netlink = stack.use(
    createNetlink({ openPort: (options) => inNamespace(namespace.path, () => openNetlinkPort(options)) }),
  );
  const events: DeviceEvent[] = [];
  let changed = Promise.withResolvers<undefined>();
  const onEvent = (event: DeviceEvent) => {
    events.push(event);
    changed.resolve(undefined);
    changed = Promise.withResolvers();
  };
  const newDevice = (connection = netlink) => createDevice({ netlink: connection, onEvent });
  const device = stack.use(newDevice());
  const all = stack.move();
  return {
    ...{ namespace, netlink, device, events, run, lines },
    createDevice: newDevice,
    async reported(fits) {
      while (!events.some(fits)) await changed.promise;
    },
    record: (work) => record(netlink, work),
    overlay: async () => [
      ...(await lines('ip route show dev flannel.1')),
      ...(await lines('ip neighbour show dev flannel.1 nud permanent')),
      ...(await lines('bridge fdb show dev flannel.1')),
      ...(await lines('ip -brief -4 address show flannel.1')),
      ...(await lines('cat /sys/class/net/flannel.1/mtu /sys/class/net/flannel.1/address')),
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A route of another table, whose report is the last one that is waited for. */
const LAST = {
  destination: parsePrefix('198.51.100.0/24'),
  kind: 'blackhole',
  table: 4_000,
  protocol: 4,
  onlink: false,
  scope: 'global',
  multipath: false,
} as const;

async function record(
  netlink: NetlinkConnection,
  work: () => Promise<unknown>,
): Promise<readonly KernelEvent[]> {
  const subscription = netlink.subscribe({});
  await work();
  await netlink.request({ op: 'put-route', route: LAST });
  const events: KernelEvent[] = [];
  for await (const event of subscription) {
    if (event.kind === 'route' && event.route.table === LAST.table) break;
    events.push(event);
  }
  await netlink.request({ op: 'delete-route', route: LAST });
  return events;
}
