// `held-open.ts ADDRESS [PEER [off]]` opens a tunnel with a fast path on eth0, says so and waits to be killed. With a peer, it is
// that of host 1 of an overlay, whose peer is host 2; `off` leaves the fast path out.
import { parseInterfaceAddress } from '@flannel-ts/ip';
import { openTunnel } from '../../src/index.ts';
import { endpoint, mtu, port, route, subnetOf } from './overlay.ts';

const [address, peer, fastPath] = process.argv.slice(2) as [string, string?, 'off'?];
const tunnel = openTunnel({
  ...{ tun: { name: 'flannel0', mtu }, socket: endpoint(address) },
  ...{ underlay: 'eth0', fastPath: fastPath !== 'off' },
});
if (peer) {
  tunnel.setLocalSubnets([parseInterfaceAddress(subnetOf(1))]);
  tunnel.setRoutes([route(subnetOf(2), peer, port, true)]);
}
console.log(tunnel.fastPath.on ? 'open' : tunnel.fastPath.reason);
setInterval(() => undefined, 60_000);
