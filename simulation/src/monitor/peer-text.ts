import type { HostState } from '@flannel-ts/device';
import type { Prefix } from '@flannel-ts/ip';
import type { NetworkConfig } from '@flannel-ts/subnet';
import type { Content } from '../registry/entry.ts';

/** What a lease asks of every other host, written without the code that is under test. */
export interface ExpectedPeer {
  readonly prefix: Prefix;
  readonly text: string;
  /** `undefined` without VXLAN. */
  readonly mac: string | undefined;
}

const peers = new WeakMap<Content, ExpectedPeer | 'none'>();
const texts = new WeakMap<HostState, string>();

/** Returns what an entry asks of other hosts; `undefined` when it is none of theirs. */
export function peerOf(content: Content, config: NetworkConfig): ExpectedPeer | undefined {
  let peer = peers.get(content);
  if (!peer) {
    peer = expect(content, config) ?? 'none';
    peers.set(content, peer);
  }
  return peer === 'none' ? undefined : peer;
}

function expect({ subnets, attributes, publicIp }: Content, config: NetworkConfig): ExpectedPeer | undefined {
  const prefix = subnets?.ipv4;
  const { type } = config.backend;
  if (!prefix || !publicIp || attributes?.backendType !== type) return undefined;
  if (!config.ipv4!.network.contains(prefix)) return undefined;
  if (type === 'host-gw') return { prefix, text: `${prefix.toString()} via ${publicIp}`, mac: undefined };
  const mac = (attributes.backendData as { readonly VtepMAC?: string } | null)?.VtepMAC;
  if (!mac) return undefined;
  const gateway = prefix.network.toString();
  return { prefix, text: `${prefix.toString()} via ${gateway} lladdr ${mac} dst ${publicIp}`, mac };
}

/** Returns what a kernel holds for one peer, in the same words. */
export function stateText(state: HostState): string {
  const known = texts.get(state);
  if (known !== undefined) return known;
  const { routes = [], neighbours = [], fdb = [] } = state;
  const text = [
    ...routes.map(({ destination, gateway }) => `${destination.toString()} via ${gateway?.toString() ?? ''}`),
    ...neighbours.map(({ mac }) => `lladdr ${mac}`),
    ...fdb.map(({ destination }) => `dst ${destination.toString()}`),
  ].join(' ');
  texts.set(state, text);
  return text;
}
