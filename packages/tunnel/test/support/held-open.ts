// `held-open.ts ADDRESS` opens a tunnel with a fast path on eth0, says so and waits to be killed.
import { openTunnel } from '../../src/index.ts';
import { endpoint, mtu } from './overlay.ts';

const tunnel = openTunnel({
  ...{ tun: { name: 'flannel0', mtu }, socket: endpoint(process.argv[2]!) },
  ...{ underlay: 'eth0', fastPath: true },
});
console.log(tunnel.fastPath.on ? 'open' : tunnel.fastPath.reason);
setInterval(() => undefined, 60_000);
