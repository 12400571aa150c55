import type { Family } from '@flannel-ts/ip';
import { createLab, type Host, type Namespace } from '@flannel-ts/lab';
import { vi } from 'vitest';
import { serve } from './whoami.ts';

/** A place in the lab, with its addresses. */
export interface Place<Name extends string> {
  readonly namespace: Namespace;
  readonly at: Readonly<Record<Family, Readonly<Record<Name, string>>>>;
}

/** A host of the overlay; on `loopback` it is reached too, as with the address of a virtual IP. */
export interface OverlayHost extends Place<'underlay' | 'loopback'> {
  /** A container behind its `docker0`. */
  readonly container: Place<'overlay'>;
}

/** Two hosts joined by routes as host-gw makes them, and one that is not of the overlay. */
export interface Overlay extends AsyncDisposable {
  readonly hosts: readonly [OverlayHost, OverlayHost];
  /** Has routes to the containers of both hosts, by way of the first. */
  readonly outside: Place<'underlay'>;
}

/** Every container and the outside run the server of {@link serve}. */
export async function createOverlay(): Promise<Overlay> {
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await createLab());
  const hosts = [await addHost(await lab.addHost(), 1), await addHost(await lab.addHost(), 2)] as const;
  const [first, second] = hosts;
  const outside = await addOutside(await lab.addHost());
  await joinHosts(first, second, 2);
  await joinHosts(second, first, 1);
  for (const number of [1, 2]) await addSubnetRoutes(outside.namespace, number, first);
  for (const { namespace } of [first.container, second.container, outside]) await serve(namespace);
  for (const { namespace } of [second.container, outside]) await reachOverIpv6(namespace, first.container);
  const all = stack.move();
  return { hosts, outside, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function addHost(host: Host, number: number): Promise<OverlayHost> {
  const namespace = await host.addContainer({ bip: `10.5.${number}.1/24`, mtu: 1500 });
  const container: Place<'overlay'> = {
    namespace,
    at: { 4: { overlay: namespace.address }, 6: { overlay: `fc00:0:0:${number}::2` } },
  };
  const at = {
    4: { underlay: host.address, loopback: `203.0.113.${number}` },
    6: { underlay: `fd77::${10 + number}`, loopback: `2001:db8::${number}` },
  };
  await host.run('ip', 'address', 'add', `${at[4].loopback}/32`, 'dev', 'lo');
  await host.run('ip', 'address', 'add', `${at[6].loopback}/128`, 'dev', 'lo');
  await host.run('ip', 'address', 'add', `${at[6].underlay}/64`, 'dev', 'eth0', 'nodad');
  await host.run('ip', 'address', 'add', `fc00:0:0:${number}::1/64`, 'dev', 'docker0', 'nodad');
  await namespace.run('ip', 'address', 'add', `${container.at[6].overlay}/64`, 'dev', 'eth0', 'nodad');
  await namespace.run('ip', 'route', 'add', 'default', 'via', `fc00:0:0:${number}::1`);
  return { namespace: host, at, container };
}

async function addOutside(host: Host): Promise<Place<'underlay'>> {
  const at = { 4: { underlay: host.address }, 6: { underlay: 'fd77::99' } };
  await host.run('ip', 'address', 'add', `${at[6].underlay}/64`, 'dev', 'eth0', 'nodad');
  return { namespace: host, at };
}

/** Waits until every hop has verified its link-local address (DAD), without which it resolves no neighbour. */
async function reachOverIpv6(from: Namespace, to: Place<'overlay'>): Promise<void> {
  await vi.waitFor(() => from.run('ping', '-6', '-n', '-c', '1', '-W', '1', to.at[6].overlay), 20_000);
}

/** Routes to a peer's containers and, so that a missing masquerade is seen and not lost, to its loopback. */
async function joinHosts({ namespace }: OverlayHost, peer: OverlayHost, number: number): Promise<void> {
  await addSubnetRoutes(namespace, number, peer);
  for (const family of [4, 6] as const) {
    const { loopback, underlay } = peer.at[family];
    await namespace.run('ip', 'route', 'add', loopback, 'via', underlay);
  }
}

async function addSubnetRoutes(place: Namespace, number: number, gateway: OverlayHost): Promise<void> {
  await place.run('ip', 'route', 'add', `10.5.${number}.0/24`, 'via', gateway.at[4].underlay);
  await place.run('ip', 'route', 'add', `fc00:0:0:${number}::/64`, 'via', gateway.at[6].underlay);
}
