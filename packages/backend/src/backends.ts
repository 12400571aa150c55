import { createAllocBackend } from './alloc.ts';
import type { Backend, BackendContext, CreateBackend } from './backend.ts';
import { BackendConfigError } from './errors.ts';
import { createHostGwBackend } from './host-gw.ts';
import { createUdpBackends, type UdpBackends, type UdpOptions } from './udp.ts';
import { createVxlanBackend } from './vxlan.ts';

/** Makes backends, one after another, and keeps what outlives a single one of them: the tunnel of udp. */
export interface Backends
  extends Pick<UdpBackends, 'tunnelState' | 'resumeTunnel' | 'setTunnelExpiry'>, Disposable {
  /** What a network config may have as `Backend.Type`. */
  readonly types: readonly string[];

  /**
   * Makes the backend that a network config asks for: reads its options and prepares its device. It takes the place of
   * the one that was made before; with the same config and underlay, packets flow on meanwhile.
   * @throws {BackendConfigError} `LinkMissingError` and `NetlinkError` for a device, `TunnelOpenError` for a tunnel
   */
  create(context: BackendContext): Promise<Backend>;
}

/** Options of single backends. */
export interface BackendsOptions {
  readonly udp?: UdpOptions | undefined;
}

/** Creates the record of all backends. What they make in the kernel stays when it is disposed of. */
export function createBackends(options: BackendsOptions = {}): Backends {
  const udp = createUdpBackends(options.udp);
  const byType = new Map<string, CreateBackend>([
    ['alloc', createAllocBackend],
    ['host-gw', createHostGwBackend],
    ['udp', udp.create],
    ['vxlan', createVxlanBackend],
  ]);
  const types = [...byType.keys()];
  return {
    types,
    tunnelState: () => udp.tunnelState(),
    resumeTunnel: (state) => udp.resumeTunnel(state),
    setTunnelExpiry: (at) => udp.setTunnelExpiry(at),
    async create(context) {
      const { type } = context.config.backend;
      const create = byType.get(type);
      if (!create) {
        const known = types.join(', ');
        throw new BackendConfigError('Backend.Type', `unknown backend type: ${type} (known are ${known})`);
      }
      const backend = await create(context);
      if (!backend.tunnel) udp.closeTunnel();
      return backend;
    },
    [Symbol.dispose]: () => udp[Symbol.dispose](),
  };
}
