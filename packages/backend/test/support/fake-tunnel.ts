import {
  TunnelFailedError,
  TunnelOpenError,
  type Tunnel,
  type TunnelOptions,
  type TunnelRoute,
  type TunnelStats,
} from '@flannel-ts/tunnel';

/** Opens tunnels that carry nothing, keep what they are given, and fail when the test says so. */
export interface FakeTunnel {
  readonly open: (options: TunnelOptions) => Tunnel;
  /** Options of every tunnel that was opened. */
  readonly opened: readonly TunnelOptions[];
  /** The local subnets of the tunnel that is open, and its routes; `undefined` while none is. */
  state(): string[] | undefined;
  /** When the tunnel that was opened last expires. */
  expiry(): number | undefined;
  /** Whether the tunnel that was opened last was left, not closed. */
  wasLeft(): boolean;
  /** Counts a packet as sent. */
  carry(): void;
  /** Stops the open tunnel, as its deleted device would. */
  fail(): void;
  /** Makes so many of the next attempts to open fail. */
  refuse(attempts: number): void;
  /** Calls back at every attempt to open from now on. */
  onAttempt(call: () => void): void;
  /** Gives tunnels that are opened from now on a fast path, or none. */
  offerFastPath(offered: boolean): void;
  /** Makes the open tunnel throw when it is closed next, although it is closed then. */
  failToClose(): void;
  /** Makes the open tunnel refuse its next change. */
  refuseChange(): void;
}

const cause = Object.assign(new Error('open /dev/net/tun: ENOENT'), {
  code: 'ENOENT',
  errno: 2,
  syscall: 'open',
});

/** @param options.fastPath - whether tunnels have the fast path that they are asked for */
export function createFakeTunnel(options: { readonly fastPath?: boolean } = {}): FakeTunnel {
  let { fastPath = true } = options;
  let closeFails = false;
  let changeRefused = false;
  let attempted: () => void = () => undefined;
  const opened: TunnelOptions[] = [];
  let current: { local: string[]; routes: Map<string, string>; packets: number } | undefined;
  let refusals = 0;
  let expiry: number | undefined;
  let left = false;

  function open(options: TunnelOptions): Tunnel {
    attempted();
    if (refusals-- > 0) throw new TunnelOpenError(options.tun.name, options.socket, cause);
    opened.push(options);
    const mine = { local: [] as string[], routes: new Map<string, string>(), packets: 0 };
    current = mine;
    const alive = () => {
      if (current !== mine) throw new Error('the tunnel is closed');
      if (changeRefused) {
        changeRefused = false;
        throw new Error('the kernel refuses');
      }
      return mine;
    };
    const put = ({ destination, peer }: TunnelRoute) =>
      alive().routes.set(destination.toString(), `${peer.address.toString()}:${peer.port}`);
    const close = () => {
      if (current === mine) current = undefined;
      const failing = closeFails;
      closeFails = false;
      if (failing) throw new Error('delete flannel0-rx: EBUSY');
    };
    const tunnel: Tunnel = {
      device: options.tun.name,
      local: options.socket,
      fastPath: options.fastPath && fastPath ? { on: true } : { on: false, reason: 'old kernel' },
      setLocalSubnets(subnets) {
        alive().local = subnets.map(({ prefix }) => `local ${prefix.toString()}`);
      },
      setRoutes(routes) {
        alive().routes.clear();
        routes.forEach(put);
      },
      updateRoutes({ add, remove }) {
        for (const destination of remove) alive().routes.delete(destination.toString());
        add.forEach(put);
      },
      setExpiry(at) {
        alive();
        expiry = at;
      },
      stats: () => statsOf(alive().packets),
      close,
      leave() {
        left ||= current === mine;
        close();
      },
      [Symbol.asyncDispose]: async () => close(),
    };
    expiry = options.initial?.expiresAt;
    left = false;
    if (options.initial) {
      tunnel.setLocalSubnets(options.initial.localSubnets);
      tunnel.setRoutes(options.initial.routes);
    }
    return tunnel;
  }

  return {
    open,
    opened,
    state: () => current && [...current.local, ...[...current.routes].map((route) => route.join(' '))],
    expiry: () => expiry,
    wasLeft: () => left,
    carry() {
      current!.packets++;
    },
    fail: () => opened.at(-1)!.onFailure!(new TunnelFailedError('flannel0', cause)),
    refuse(attempts) {
      refusals = attempts;
    },
    onAttempt(call) {
      attempted = call;
    },
    offerFastPath(offered) {
      fastPath = offered;
    },
    failToClose() {
      closeFails = true;
    },
    refuseChange() {
      changeRefused = true;
    },
  };
}

function statsOf(packets: number): TunnelStats {
  return {
    sent: { packets, bytes: 0 },
    received: { packets: 0, bytes: 0 },
    inKernel: { sent: { packets: 0, bytes: 0 }, received: { packets: 0, bytes: 0 } },
    drops: {
      ...{ malformed: 0, noRoute: 0, hopsExceeded: 0, tooBig: 0, sendFailed: 0 },
      ...{
        wrongInterface: 0,
        unknownSource: 0,
        wrongPeer: 0,
        notOurs: 0,
        congestion: 0,
        unfinished: 0,
        deviceRefused: 0,
        socketFull: 0,
      },
    },
    offloads: { deviceTcp: false, deviceUdp: false, socketSend: false, socketReceive: false },
    peers: [],
  };
}
