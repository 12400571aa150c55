import type { HostState } from '@flannel-ts/device';
import type { Address, Prefix } from '@flannel-ts/ip';
import type { NetworkConfig } from '@flannel-ts/subnet';
import type { Content } from '../registry/entry.ts';

/** What a lease asks of every other host, written without the code that is under test. */
export interface ExpectedPeer {
  readonly prefix: Prefix;
  readonly publicIp: Address;
  /** `undefined` without VXLAN. */
  readonly mac: string | undefined;
}

const peers = new WeakMap<Content, ExpectedPeer | 'none'>();

/** Returns what an entry asks of other hosts; `undefined` when it asks nothing. */
export function peerOf(content: Content, config: NetworkConfig): ExpectedPeer | undefined {
  let peer = peers.get(content);
  if (!peer) {
    peer = expect(content, config) ?? 'none';
    peers.set(content, peer);
  }
  return peer === 'none' ? undefined : peer;
}

function expect({ subnets, attributes }: Content, config: NetworkConfig): ExpectedPeer | undefined {
  const prefix = subnets?.ipv4;
  const publicIp = attributes?.publicIp.ipv4;
  const { type } = config.backend;
  if (!prefix || !publicIp || attributes.backendType !== type) return undefined;
  if (!config.ipv4!.network.contains(prefix)) return undefined;
  if (type === 'host-gw') return { prefix, publicIp, mac: undefined };
  const mac = (attributes.backendData as { readonly VtepMAC?: string } | null)?.VtepMAC;
  return mac ? { prefix, publicIp, mac } : undefined;
}

/** Whether a kernel has for a peer what its lease asks, and nothing for one that asks nothing. */
export function isFollowed(peer: ExpectedPeer | undefined, state: HostState | undefined): boolean {
  if (!peer || !state) return !peer && !state;
  const { routes = [], neighbours = [], fdb = [] } = state;
  const [route] = routes;
  if (routes.length !== 1 || !route!.destination.equals(peer.prefix)) return false;
  if (peer.mac === undefined) return fdb.length === 0 && peer.publicIp.equals(route!.gateway);
  return (
    peer.prefix.network.equals(route!.gateway) &&
    neighbours[0]?.mac === peer.mac &&
    fdb[0]?.mac === peer.mac &&
    peer.publicIp.equals(fdb[0].destination)
  );
}

/** Returns what a lease asks as text. */
export function peerText(peer: ExpectedPeer | undefined): string {
  if (!peer) return 'nothing';
  const { prefix, publicIp, mac } = peer;
  return `${prefix.toString()} of ${publicIp.toString()}${mac === undefined ? '' : ` at ${mac}`}`;
}

/** Returns what a kernel has as text. */
export function stateText(state: HostState | undefined): string {
  if (!state) return 'nothing';
  const { routes = [], fdb = [] } = state;
  const gateways = routes.map(
    ({ destination, gateway }) => `${destination.toString()} of ${String(gateway)}`,
  );
  const peers = fdb.map(({ destination, mac }) => `${destination.toString()} at ${mac}`);
  return [...gateways, ...peers].join(' ');
}
