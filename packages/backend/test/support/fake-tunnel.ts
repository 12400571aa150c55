import {
  TunnelFailedError,
  TunnelOpenError,
  type Tunnel,
  type TunnelOptions,
  type TunnelRoute,
  type TunnelStats,
} from '@flannel-ts/tunnel';

/** Opens tunnels that carry nothing, keep what they are told, and fail when the test says so. */
export interface FakeTunnel {
  readonly open: (options: TunnelOptions) => Tunnel;
  /** Options of every tunnel that was opened. */
  readonly opened: readonly TunnelOptions[];
  /** The routes of the tunnel that is open, and its own subnets; `undefined` while none is. */
  state(): string[] | undefined;
  /** Counts a packet as sent. */
  carry(): void;
  /** Stops the open tunnel, as its deleted device would. */
  fail(): void;
  /** Makes so many of the next attempts to open fail. */
  refuse(attempts: number): void;
}

const cause = Object.assign(new Error('open /dev/net/tun: ENOENT'), {
  code: 'ENOENT',
  errno: 2,
  syscall: 'open',
});

/** @param fastPath - whether tunnels have the fast path that they are asked for */
export function createFakeTunnel({ fastPath = true } = {}): FakeTunnel {
  const opened: TunnelOptions[] = [];
  let current: { own: string[]; routes: Map<string, string>; packets: number } | undefined;
  let refusals = 0;

  function open(options: TunnelOptions): Tunnel {
    if (refusals-- > 0) throw new TunnelOpenError(options.tun.name, options.socket, cause);
    opened.push(options);
    const mine = { own: [] as string[], routes: new Map<string, string>(), packets: 0 };
    current = mine;
    const alive = () => {
      if (current !== mine) throw new Error('the tunnel is closed');
      return mine;
    };
    const put = ({ destination, peer }: TunnelRoute) =>
      alive().routes.set(destination.toString(), `${peer.address.toString()}:${peer.port}`);
    const close = () => {
      if (current === mine) current = undefined;
    };
    return {
      device: options.tun.name,
      local: options.socket,
      fastPath: options.fastPath && fastPath ? { on: true } : { on: false, reason: 'old kernel' },
      setOwn(subnets) {
        alive().own = subnets.map(({ prefix }) => `own ${prefix.toString()}`);
      },
      setRoutes(routes) {
        alive().routes.clear();
        routes.forEach(put);
      },
      updateRoutes({ add, remove }) {
        for (const destination of remove) alive().routes.delete(destination.toString());
        add.forEach(put);
      },
      stats: () => statsOf(alive().packets),
      close,
      [Symbol.asyncDispose]: async () => close(),
    };
  }

  return {
    open,
    opened,
    state: () => current && [...current.own, ...[...current.routes].map((route) => route.join(' '))],
    carry() {
      current!.packets++;
    },
    fail: () => opened.at(-1)!.onFailure!(new TunnelFailedError('flannel0', cause)),
    refuse(attempts) {
      refusals = attempts;
    },
  };
}

function statsOf(packets: number): TunnelStats {
  return {
    sent: { packets, bytes: 0 },
    received: { packets: 0, bytes: 0 },
    drops: {
      ...{ malformed: 0, noRoute: 0, hopsExceeded: 0, tooBig: 0, sendFailed: 0 },
      ...{ unknownSource: 0, wrongPeer: 0, notOurs: 0, deviceRefused: 0, socketFull: 0 },
    },
    offloads: { deviceTcp: false, deviceUdp: false, socketSend: false, socketReceive: false },
    peers: [],
  };
}
