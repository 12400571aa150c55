import type { DesiredVxlan } from '@flannel-ts/device';
import { tunnelOverheadBytes } from '@flannel-ts/encap';
import { Prefix, type Address } from '@flannel-ts/ip';
import { JsonError, JsonObject, type Json, type Lease } from '@flannel-ts/subnet';
import type { CreateBackend, Underlay, WantedState } from './backend.ts';
import { PeerDataError } from './errors.ts';
import { readOptions, requireIPv4, requirePublicIPv4, requireUnderlayIPv4 } from './options.ts';

/** The kernel's port for VXLAN, older than the assigned 4789 (RFC 7348). */
const KERNEL_PORT = 8472;
const OVERHEAD = tunnelOverheadBytes('vxlan', 4);
/** RFC 791: every host takes packets of so many bytes. */
const SMALLEST_MTU = 576 + OVERHEAD;

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
  const wanted = { ...link, mac: mac! };
  const direct = directRouting ? underlay : undefined;
  return {
    mtu: options.mtu,
    attributes: { backendType: 'vxlan', backendData: { VNI: options.vni, VtepMAC: wanted.mac } },
    overlayInterfaces: [wanted.name, ...(direct ? [direct.link] : [])],
    ownership: {
      links: [{ name: wanted.name, kind: 'vxlan' }],
      gatewayRoutes: direct
        ? [{ link: direct.link, from: subnetMin, to: subnetMax, prefixLength: subnetLength }]
        : [],
    },
    planSelf({ subnets }) {
      const address = subnets.ipv4!.network;
      const host = { address, prefix: new Prefix(address, 32) };
      return { host: { links: [wanted], addresses: [{ link: wanted.name, address: host }] } };
    },
    planPeer(peer) {
      if (peer.attributes.backendType !== 'vxlan') return undefined;
      return planPeer(peer, wanted, direct);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};

function readVxlan(object: JsonObject, underlay: Underlay) {
  // Zero is Go's value of a number that nobody set. Upstream's MTU is that of the outgoing packets; beyond
  // the interface's, the kernel would make the device smaller than containers are told.
  const mtu = object.get('MTU') === 0 ? undefined : object.integer('MTU', SMALLEST_MTU, 65_535);
  return {
    vni: object.integer('VNI', 0, 0xffffff) ?? 1,
    port: object.integer('Port', 0, 65_535) || KERNEL_PORT,
    mtu: Math.min(mtu ?? underlay.mtu, underlay.mtu) - OVERHEAD,
    gbp: object.boolean('GBP') ?? false,
    learning: object.boolean('Learning') ?? false,
    directRouting: object.boolean('DirectRouting') ?? false,
  };
}

/**
 * A peer's subnet is routed to the peer's own overlay address, whose neighbour entry names its VTEP, whose
 * FDB entry names its host. With direct routing, a host on our link is the gateway itself: its own prefixes
 * tell, where upstream asks the kernel for a route to every peer.
 */
function planPeer(peer: Lease, own: DesiredVxlan, direct: Underlay | undefined): WantedState {
  const destination = peer.subnets.ipv4!;
  const publicIp = requirePublicIPv4(peer);
  if (direct?.onLink.some((prefix) => prefix.contains(publicIp))) {
    return { host: { routes: [{ destination, gateway: publicIp, link: direct.link }] } };
  }
  const mac = vtepMac(peer.attributes.backendData);
  if (mac === own.mac) {
    throw new PeerDataError(
      `VtepMAC ${mac} is that of ${own.name} on this host too, which would drop its packets: if the lease is no former one of this host, delete ${own.name} on one of the hosts and restart flanneld there`,
    );
  }
  return { host: overlayEntries(destination, publicIp, mac, own.name) };
}

function overlayEntries(destination: Prefix, publicIp: Address, mac: string, link: string) {
  const address = destination.network;
  return {
    neighbours: [{ link, address, mac }],
    fdb: [{ link, mac, destination: publicIp }],
    routes: [{ destination, gateway: address, link, onlink: true }],
  };
}

/** @throws {PeerDataError} */
function vtepMac(backendData: Json | undefined): string {
  try {
    const mac = new JsonObject(backendData ?? {}, 'BackendData').string('VtepMAC') ?? '';
    if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) return mac.toLowerCase();
    throw new PeerDataError(`VtepMAC must be a MAC address, not ${JSON.stringify(mac)}`);
  } catch (error) {
    if (error instanceof JsonError) throw new PeerDataError(error.message);
    throw error;
  }
}
