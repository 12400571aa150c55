import { createDevice, type DeviceEvent } from '@flannel-ts/device';
import { parseAddress, parsePrefix, parseSubnetKey } from '@flannel-ts/ip';
import type { Host } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import { parseNetworkConfig, type Json, type Lease } from '@flannel-ts/subnet';
import { openTunnel } from '@flannel-ts/tunnel';
import {
  createPeerFollower,
  createBackends,
  type Backend,
  type BackendEvent,
  type PeerFollower,
} from '../../src/index.ts';

/** What a daemon does on one host, without a registry: `10.5.NUMBER.0/24` is its subnet. */
export interface Daemon extends Generation, AsyncDisposable {
  readonly events: readonly (BackendEvent | DeviceEvent)[];
  /** Begins the next generation while packets flow, for an underlay of so many bytes. */
  next(options?: { readonly mtu?: number }): Promise<void>;
}

/** What is made from config and underlay, as long as those do not change. */
interface Generation {
  readonly backend: Backend;
  readonly lease: Lease;
  readonly follower: PeerFollower;
}

export async function startDaemon(host: Host, number: number, options: Json): Promise<Daemon> {
  await using stack = new AsyncDisposableStack();
  const events: (BackendEvent | DeviceEvent)[] = [];
  const onEvent = (event: BackendEvent | DeviceEvent) => void events.push(event);
  const netlink = stack.use(
    createNetlink({ openPort: (port) => inNamespace(host.path, () => openNetlinkPort(port)) }),
  );
  const device = stack.use(createDevice({ netlink, onEvent }));
  const backends = stack.use(
    createBackends({ udp: { openTunnel: (tunnel) => inNamespace(host.path, () => openTunnel(tunnel)) } }),
  );
  const config = parseNetworkConfig(JSON.stringify({ Network: '10.5.0.0/16', Backend: options }));
  const address = { ipv4: parseAddress(host.address) };

  async function begin(mtu = 1500): Promise<Generation> {
    const onLink = [parsePrefix('192.168.77.0/24')];
    const underlay = { link: 'eth0', mtu, address, publicIp: address, onLink };
    const backend = await backends.create({ device, underlay, config, onEvent });
    const lease: Lease = {
      subnets: parseSubnetKey(`10.5.${number}.0-24`),
      attributes: { publicIp: address, ...backend.attributes },
      revision: '1',
    };
    return { backend, lease, follower: createPeerFollower({ backend, device, config, onEvent }, lease) };
  }

  let current = await begin();
  const all = stack.move();
  return {
    events,
    get backend() {
      return current.backend;
    },
    get lease() {
      return current.lease;
    },
    get follower() {
      return current.follower;
    },
    async next({ mtu } = {}) {
      current = await begin(mtu);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
