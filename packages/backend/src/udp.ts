import { tunnelOverheadBytes } from '@flannel-ts/encap';
import { Prefix } from '@flannel-ts/ip';
import type { Json } from '@flannel-ts/subnet';
import { openTunnel } from '@flannel-ts/tunnel';
import type { CreateBackend } from './backend.ts';
import { readOptions, requireIPv4, requirePublicIPv4, requireUnderlayIPv4 } from './options.ts';
import { openLastingTunnel } from './lasting-tunnel.ts';

const DEVICE = 'flannel0';
const PORT = 8285;
/** In the BackendData of a lease: this host takes packets of a fast path. */
const FAST_PATH = 'FastPath';

/** This process encapsulates: bare IP packets in UDP datagrams, for hosts whose kernel or network lacks VXLAN. */
export const createUdpBackend: CreateBackend = async (context) => {
  const { underlay, config, onEvent } = context;
  const { network } = requireIPv4(config);
  const { port } = readOptions(config, (object) => ({ port: object.integer('Port', 1, 65_535) ?? PORT }));
  const mtu = underlay.mtu - tunnelOverheadBytes('udp', 4);
  const socket = { address: requireUnderlayIPv4(underlay, config), port };
  const tunnel = openLastingTunnel(
    { openTunnel: context.openTunnel ?? openTunnel, onEvent },
    {
      ...{ tun: { name: DEVICE, mtu }, socket, accept: context.udpAccept ?? 'peers' },
      ...(context.udpFastPath === 'off' ? {} : { fastPath: { underlay: underlay.link } }),
    },
  );
  return {
    mtu,
    // Upstream publishes nothing of udp's, and reads nothing.
    attributes: tunnel.fastPath.on ? { backendData: { [FAST_PATH]: true } } : {},
    // The fast path delivers to the same device.
    overlayInterfaces: [DEVICE],
    ownership: { links: [{ name: DEVICE, kind: 'tun' }], gatewayRoutes: [] },
    tunnel,
    planSelf({ subnets }) {
      const subnet = subnets.ipv4!;
      const address = { address: subnet.network, prefix: new Prefix(subnet.network, 32) };
      return {
        host: {
          links: [{ kind: 'tun', name: DEVICE, mtu }],
          addresses: [{ link: DEVICE, address }],
          routes: [{ destination: network, link: DEVICE }],
        },
        own: [{ address: subnet.network, prefix: subnet }],
      };
    },
    planPeer(peer) {
      // Upstream's udp publishes no type, and takes every lease for a peer; one of another backend has no tunnel.
      const { backendType, backendData } = peer.attributes;
      if (backendType !== undefined && backendType !== 'udp') return undefined;
      const address = requirePublicIPv4(peer);
      const fastPath = takesFastPackets(backendData);
      return { tunnelRoutes: [{ destination: peer.subnets.ipv4!, peer: { address, port, fastPath } }] };
    },
    [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
  };
};

/** Whatever else a peer publishes is no offer, and no error: its packets go through user space. */
function takesFastPackets(backendData: Json | undefined): boolean {
  return new Map(Object.entries(backendData ?? {})).get(FAST_PATH) === true;
}
