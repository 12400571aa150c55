import type { PacketTunnel } from '@flannel-ts/native';
import { encodePrefixes, encodeRoutes, encodeSubnets } from './records.ts';
import type { Endpoint, RouteSink, TunnelRoute } from './tunnel.ts';

/** The subnets and routes of the threads that carry packets between the TUN device and `socket`. */
export function createUserSpaceRoutes(native: PacketTunnel, socket: Endpoint): RouteSink {
  const encode = (routes: readonly TunnelRoute[]) => {
    for (const { peer } of routes) checkFamily(peer, socket);
    return encodeRoutes(routes);
  };
  return {
    setLocalSubnets: (subnets) => native.setLocal(encodeSubnets(subnets)),
    setRoutes: (routes) => native.setRoutes(encode(routes)),
    updateRoutes: ({ add, remove }) => native.updateRoutes(encode(add), encodePrefixes(remove)),
  };
}

function checkFamily(peer: Endpoint, socket: Endpoint): void {
  if (peer.address.family === socket.address.family) return;
  throw new RangeError(
    `the peer ${peer.address.toString()} cannot be reached from a socket on ${socket.address.toString()}: use an IPv${socket.address.family} address`,
  );
}
