import type { WantedVxlan } from '@flannel-ts/device';
import { tunnelOverheadBytes } from '@flannel-ts/encap';
import { Prefix, type Address } from '@flannel-ts/ip';
import { JsonError, JsonObject, type Json, type Lease } from '@flannel-ts/subnet';
import type { CreateBackend, Underlay, WantedState } from './backend.ts';
import { PeerDataError } from './errors.ts';
import { readOptions, requireIPv4, requirePublicIPv4, requireUnderlayIPv4 } from './options.ts';

/** The kernel's port for VXLAN, older than the assigned 4789 (RFC 7348). */
const KERNEL_PORT = 8472;
const SMALLEST_MTU = 576;

/** The kernel encapsulates (RFC 7348); the entries of every peer are permanent, nothing is learned. */
export const createVxlanBackend: CreateBackend = async ({ device, underlay, config }) => {
  const { network, subnetLength } = requireIPv4(config);
  const overhead = tunnelOverheadBytes('vxlan', 4);
  const options = readOptions(config, (object) => ({
    vni: object.integer('VNI', 1, 0xffffff) ?? 1,
    // 0 is the kernel's own choice, in upstream's words.
    port: object.integer('Port', 0, 65_535) || KERNEL_PORT,
    // Upstream's MTU is that of the outgoing packets.
    mtu: (object.integer('MTU', SMALLEST_MTU + overhead, 65_535) ?? underlay.mtu) - overhead,
    gbp: object.boolean('GBP') ?? false,
    learning: object.boolean('Learning') ?? false,
    directRouting: object.boolean('DirectRouting') ?? false,
  }));
  const { vni, port, mtu, gbp, learning } = options;
  const wanted: WantedVxlan = {
    kind: 'vxlan',
    name: `flannel.${vni}`,
    parent: underlay.link,
    local: requireUnderlayIPv4(underlay, config),
    ...{ vni, port, mtu, gbp, learning },
  };
  // Peers know the MAC address: an existing device keeps its own, and a lost one comes back with it.
  const { mac } = await device.ensureLink(wanted);
  const direct = options.directRouting ? underlay : undefined;
  return {
    mtu,
    attributes: { backendType: 'vxlan', backendData: { VNI: vni, VtepMAC: mac! } },
    ownership: {
      links: [wanted.name],
      gatewayRoutes: direct ? [{ link: direct.link, within: network, prefixLength: subnetLength }] : [],
    },
    planSelf({ subnets }) {
      const address = subnets.ipv4!.network;
      const host = { address, prefix: new Prefix(address, 32) };
      return { host: { links: [{ ...wanted, mac }], addresses: [{ link: wanted.name, address: host }] } };
    },
    planPeer(peer) {
      if (peer.attributes.backendType !== 'vxlan') return undefined;
      return planPeer(peer, wanted.name, direct);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};

/**
 * A peer's subnet is routed to the peer's own overlay address, whose neighbour entry names its VTEP, whose
 * FDB entry names its host. With direct routing, a host on our link is the gateway itself: its own prefixes
 * tell, where upstream asks the kernel for a route to every peer.
 */
function planPeer(peer: Lease, link: string, direct: Underlay | undefined): WantedState {
  const destination = peer.subnets.ipv4!;
  const publicIp = requirePublicIPv4(peer);
  if (direct?.onLink.some((prefix) => prefix.contains(publicIp))) {
    return { host: { routes: [{ destination, gateway: publicIp, link: direct.link }] } };
  }
  return { host: overlayEntries(destination, publicIp, vtepMac(peer.attributes.backendData), link) };
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
