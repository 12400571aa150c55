import type { CreateBackend } from './backend.ts';
import { BackendConfigError } from './errors.ts';
import { requireIPv4, requireUnderlayIPv4 } from './options.ts';
import { requirePeerAddress } from './peer-address.ts';

/** Routes each peer's subnet through the peer itself: no encapsulation, but all hosts must share a link. */
export const createHostGwBackend: CreateBackend = async ({ underlay, config }) => {
  const { subnetMin, subnetMax, subnetLength } = requireIPv4(config);
  const address = requireUnderlayIPv4(underlay, config);
  if (!address.equals(underlay.publicIp.ipv4)) {
    throw new BackendConfigError(
      'Backend.Type',
      `host-gw routes through the hosts themselves: -public-ip must be ${underlay.link}'s own address ${address.toString()}, or be left out`,
    );
  }
  return {
    mtu: underlay.mtu,
    attributes: { backendType: 'host-gw' },
    overlayInterfaces: [underlay.link],
    ownership: {
      links: [],
      gatewayRoutes: [{ link: underlay.link, from: subnetMin, to: subnetMax, prefixLength: subnetLength }],
    },
    planSelf: () => ({}),
    planPeer(peer) {
      if (peer.attributes.backendType !== 'host-gw') return undefined;
      const gateway = requirePeerAddress(peer, underlay);
      return { host: { routes: [{ destination: peer.subnets.ipv4!, gateway, link: underlay.link }] } };
    },
  };
};
