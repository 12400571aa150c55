import { createLab, type Container, type Host, type Lab } from '@flannel-ts/lab';
import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import { inNamespace } from '@flannel-ts/native';
import {
  openTunnel,
  type Endpoint,
  type Tunnel,
  type TunnelOptions,
  type TunnelRoute,
} from '../../src/index.ts';

const UNDERLAY_MTU = 1500;
/** What IPv4 and UDP take of it. */
const OVERHEAD = 28;
/** Inner MTU behind an underlay of 1500 bytes. */
export const mtu = UNDERLAY_MTU - OVERHEAD;
export const port = 8285;
/** From which other ports a fast path sends. */
export const sourcePorts = { first: 768, last: 1_023 };

/** The subnet of host `number` has the address `10.5.number.0`, as flannel gives it to the TUN device. */
export const subnetOf = (number: number) => `10.5.${number}.0/24`;

export function endpoint(address: string, endpointPort = port): Endpoint {
  return { address: parseAddress(address), port: endpointPort };
}

export function route(destination: string, address: string, peerPort = port, fastPath = false): TunnelRoute {
  return {
    destination: parsePrefix(destination),
    peer: { ...endpoint(address, peerPort), ...(fastPath && { fastPath }) },
  };
}

/** The route to a peer with a fast path that sends from {@link sourcePorts}. */
export function fastRoute(destination: string, address: string): TunnelRoute {
  const { peer, ...rest } = route(destination, address, port, true);
  return { ...rest, peer: { ...peer, sourcePorts } };
}

/** Opens the tunnel of a host, with the address and the route to all subnets that flanneld would set. */
export async function openTunnelOn(
  host: Host,
  number: number,
  options: Partial<TunnelOptions> = {},
): Promise<Tunnel> {
  const tunnel = inNamespace(host.path, () =>
    openTunnel({ tun: { name: 'flannel0', mtu }, socket: endpoint(host.address), ...options }),
  );
  tunnel.setLocalSubnets([parseInterfaceAddress(subnetOf(number))]);
  await host.run('ip', 'address', 'replace', `10.5.${number}.0/32`, 'dev', 'flannel0');
  await host.run('ip', 'route', 'replace', '10.5.0.0/16', 'dev', 'flannel0');
  return tunnel;
}

/** Two hosts with a container each, not joined yet. */
export interface Overlay {
  readonly lab: Lab;
  readonly hosts: readonly [Host, Host];
  readonly containers: readonly [Container, Container];
  /** Inner MTU in bytes. */
  readonly mtu: number;
}

export async function createOverlay(
  stack: AsyncDisposableStack,
  underlayMtu = UNDERLAY_MTU,
): Promise<Overlay> {
  const lab = stack.use(await createLab());
  const mtu = underlayMtu - OVERHEAD;
  const [first, second] = [await lab.addHost({ mtu: underlayMtu }), await lab.addHost({ mtu: underlayMtu })];
  const container = (host: Host, number: number) => host.addContainer({ bip: `10.5.${number}.1/24`, mtu });
  const containers = [await container(first, 1), await container(second, 2)] as const;
  return { lab, hosts: [first, second], containers, mtu };
}

/** How a tunnel moves packets: with all offloads, one packet per call, by several threads a direction, or in the kernel. */
export const modes = {
  offloads: { offloads: 'auto', underlay: 'eth0' },
  'one per call': { offloads: 'none' },
  'four threads': { offloads: 'auto', threads: 4 },
  'fast path': { underlay: 'eth0', fastPath: true, sourcePorts },
} as const satisfies Readonly<Record<string, Partial<TunnelOptions>>>;

export type Mode = keyof typeof modes;

/** Opens the tunnels of both hosts and makes them each other's peers. */
export async function join(
  { hosts: [first, second], mtu }: Overlay,
  options: readonly [Partial<TunnelOptions>, Partial<TunnelOptions>] = [{}, {}],
): Promise<readonly [Tunnel, Tunnel]> {
  const tun = { name: 'flannel0', mtu };
  const tunnels = [
    await openTunnelOn(first, 1, { tun, ...options[0] }),
    await openTunnelOn(second, 2, { tun, ...options[1] }),
  ] as const;
  const routeTo = ({ fastPath }: Tunnel) => (fastPath.on ? fastRoute : route);
  tunnels[0].setRoutes([routeTo(tunnels[1])(subnetOf(2), second.address)]);
  tunnels[1].setRoutes([routeTo(tunnels[0])(subnetOf(1), first.address)]);
  return tunnels;
}
