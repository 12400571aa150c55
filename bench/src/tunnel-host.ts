// Run on a host of the lab: `tunnel-host.ts OPTIONS`, as JSON, opens a tunnel, prints `ready DEVICE` and carries packets
// until it is ended. On SIGUSR2 it prints `packets NUMBER`: how many it has carried, in both directions.
import { once } from 'node:events';
import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import { openTunnel, type TunnelRoute } from '@flannel-ts/tunnel';
import { peers } from './peers.ts';

export interface TunnelHostOptions {
  readonly offloads: 'auto' | 'none';
  /** Threads that may carry packets in a direction at once. @default by cores */
  readonly threads?: 1 | 2 | 4 | 8;
  /** Keep packets in the kernel; fails where that is not to be had. */
  readonly fastPath: boolean;
  /** Of the TUN device, in bytes. */
  readonly mtu: number;
  /** The host's address on the underlay. */
  readonly address: string;
  /** The host's own subnet; the TUN device has its first address. */
  readonly subnet: string;
  /** The host that traffic goes to and comes from. */
  readonly other: { readonly subnet: string; readonly address: string };
  /** Size of the table: `other`, and the rest are hosts that do not exist. */
  readonly peers: number;
}

const PORT = 8285;
/** As the udp backend has it. */
const sourcePorts = { first: 768, last: 1_023 };

const options = JSON.parse(process.argv[2]!) as TunnelHostOptions;
const route = (destination: TunnelRoute['destination'], address: TunnelRoute['peer']['address']) => ({
  destination,
  peer: { address, port: PORT, fastPath: options.fastPath, sourcePorts },
});
await using tunnel = openTunnel({
  tun: { name: 'flannel0', mtu: options.mtu },
  socket: { address: parseAddress(options.address), port: PORT },
  offloads: options.offloads,
  ...(options.threads && { threads: options.threads }),
  underlay: 'eth0',
  fastPath: options.fastPath,
  sourcePorts,
  onFailure(error) {
    throw error;
  },
});
if (options.fastPath && !tunnel.fastPath.on) throw new Error(tunnel.fastPath.reason);
tunnel.setLocalSubnets([parseInterfaceAddress(options.subnet)]);
tunnel.setRoutes([
  route(parsePrefix(options.other.subnet), parseAddress(options.other.address)),
  ...peers(options.peers - 1).map(({ subnet, publicIp }) => route(subnet, publicIp)),
]);
process.on('SIGUSR2', () => {
  const { sent, received } = tunnel.stats();
  console.log(`packets ${sent.packets + received.packets}`);
});
console.log(`ready ${tunnel.device}`);
const running = setInterval(() => undefined, 60_000);
await once(process, 'SIGTERM');
clearInterval(running);
