import type { DesiredVxlan, HostState } from '@flannel-ts/device';
import { tunnelOverheadBytes } from '@flannel-ts/encap';
import { Prefix, type Address } from '@flannel-ts/ip';
import { excerpt, JsonError, JsonObject, type Json } from '@flannel-ts/subnet';
import type { CreateBackend, Underlay } from './backend.ts';
import { PeerDataError } from './errors.ts';
import { readOptions, requireIPv4, requireUnderlayIPv4 } from './options.ts';
import { requirePeerAddress } from './peer-address.ts';

/** The kernel's port for VXLAN, older than the assigned 4789 (RFC 7348). */
const KERNEL_PORT = 8472;
const OVERHEAD = tunnelOverheadBytes('vxlan', 4);
/** 24 bits (RFC 7348). */
const LARGEST_VNI = 0xffffff;
/** RFC 791: every host takes packets of so many bytes. */
const SMALLEST_MTU = 576 + OVERHEAD;

/** The last bit of the first byte marks groups; the kernel takes zeros for the destination of all unknown addresses. */
const UNICAST_MAC = /^(?!00(:00){5}$)[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/;

/** The kernel encapsulates (RFC 7348); the entries of every peer are permanent. */
export const createVxlanBackend: CreateBackend = async ({ device, underlay, config }) => {
  const { subnetMin, subnetMax, subnetLength } = requireIPv4(config);
  const { directRouting, ...options } = readOptions(config, (object) => readVxlan(object, underlay));
  const link: DesiredVxlan = {
    kind: 'vxlan',
    name: `flannel.${options.vni}`,
    parent: underlay.link,
    local: requireUnderlayIPv4(underlay, config),
    ...options,
  };
  // Peers know the MAC address: an existing device keeps its own, and a lost one comes back with it.
  const { mac } = await device.ensureLink(link);
  const desired = { ...link, mac: mac! };
  return {
    mtu: options.mtu,
    attributes: { backendType: 'vxlan', backendData: { VNI: options.vni, VtepMAC: desired.mac } },
    overlayInterfaces: [desired.name, ...(directRouting ? [underlay.link] : [])],
    encapsulation: { port: options.port, vni: options.vni },
    ownership: {
      links: [{ name: desired.name, kind: 'vxlan' }],
      gatewayRoutes: directRouting
        ? [{ link: underlay.link, from: subnetMin, to: subnetMax, prefixLength: subnetLength }]
        : [],
    },
    planSelf({ subnets }) {
      const address = subnets.ipv4!.network;
      const host = { address, prefix: new Prefix(address, 32) };
      return { host: { links: [desired], addresses: [{ link: desired.name, address: host }] } };
    },
    planPeer(peer) {
      if (peer.attributes.backendType !== 'vxlan') return undefined;
      const publicIp = requirePeerAddress(peer, underlay);
      const destination = peer.subnets.ipv4!;
      if (directRouting && underlay.onLink.some((prefix) => prefix.contains(publicIp))) {
        const routes = [{ destination, gateway: publicIp, link: underlay.link }];
        return { host: { routes }, tunnelPeer: publicIp };
      }
      const mac = requireVtep(peer.attributes.backendData, desired);
      return { host: overlayEntries(destination, publicIp, mac, desired.name), tunnelPeer: publicIp };
    },
  };
};

function readVxlan(object: JsonObject, underlay: Underlay) {
  // Zero is Go's value of a number that nobody set. Upstream's MTU is that of the outgoing packets; beyond
  // the interface's, the kernel would make the device smaller than containers are told.
  const mtu = object.get('MTU') === 0 ? undefined : object.integer('MTU', SMALLEST_MTU, 65_535);
  return {
    vni: object.integer('VNI', 0, LARGEST_VNI) ?? 1,
    port: object.integer('Port', 0, 65_535) || KERNEL_PORT,
    mtu: Math.min(mtu ?? underlay.mtu, underlay.mtu) - OVERHEAD,
    gbp: object.boolean('GBP') ?? false,
    learning: object.boolean('Learning') ?? false,
    directRouting: object.boolean('DirectRouting') ?? false,
  };
}

/** A peer's subnet is routed to its own overlay address, whose neighbour entry names its VTEP, whose FDB entry its host. */
function overlayEntries(destination: Prefix, publicIp: Address, mac: string, link: string): HostState {
  const address = destination.network;
  return {
    neighbours: [{ link, address, mac }],
    fdb: [{ link, mac, destination: publicIp }],
    routes: [{ destination, gateway: address, link, onlink: true }],
  };
}

/** Returns the MAC address of a peer's VTEP. @throws {PeerDataError} when frames cannot go between it and ours */
function requireVtep(backendData: Json | undefined, own: DesiredVxlan): string {
  const { mac, vni } = readVtep(backendData, own);
  if (vni !== own.vni) {
    throw new PeerDataError(
      `VNI must be ${own.vni} as on this host, not ${vni}: its host uses another network config; restart flanneld there`,
    );
  }
  if (!UNICAST_MAC.test(mac)) {
    throw new PeerDataError(
      `VtepMAC must be the MAC address of one interface, not ${excerpt(mac)}; restart flanneld on its host`,
    );
  }
  if (mac === own.mac) {
    throw new PeerDataError(
      `VtepMAC ${mac} is that of ${own.name} on this host too, which would drop its packets: if the lease is no former one of this host, delete ${own.name} on one of the hosts and restart flanneld there`,
    );
  }
  return mac;
}

/** Old versions write no VNI: theirs is taken for ours, `vni`. @throws {PeerDataError} */
function readVtep(
  backendData: Json | undefined,
  { vni }: DesiredVxlan,
): { readonly mac: string; readonly vni: number } {
  try {
    const object = new JsonObject(backendData ?? {}, 'BackendData');
    return {
      mac: (object.string('VtepMAC') ?? '').toLowerCase(),
      vni: object.integer('VNI', 0, LARGEST_VNI) ?? vni,
    };
  } catch (error) {
    if (error instanceof JsonError) throw new PeerDataError(error.message);
    throw error;
  }
}
