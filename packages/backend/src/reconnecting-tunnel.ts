import { createBackoff } from '@flannel-ts/backoff';
import { isDeepStrictEqual } from 'node:util';
import type { RouteSink, RouteSnapshot, Tunnel, TunnelOptions, TunnelStats } from '@flannel-ts/tunnel';
import type { BackendEvent } from './events.ts';
import { createRouteMemory } from './route-memory.ts';

/** A tunnel that lasted so many milliseconds did not fail for what the one before failed for. */
const STEADY_MS = 60_000;

/** The tunnel that a backend asks for, and who hears of it. */
export interface TunnelRequest {
  readonly options: Omit<TunnelOptions, 'onFailure' | 'initial'>;
  readonly onEvent: (event: BackendEvent) => void;
}

/**
 * A tunnel that is opened again, with its subnets and routes, when it fails, for example when its device is deleted: at
 * once, then with backoff. Meanwhile it takes in changes and returns the counts of before.
 */
export interface ReconnectingTunnel
  extends RouteSink, Pick<Tunnel, 'fastPath' | 'stats' | 'setExpiry' | 'leave'>, Disposable {
  /**
   * Gives the tunnel to the next backend. An open one with the same options carries on without a gap; for others it is
   * closed and opened again, with its subnets and routes.
   * @throws {TunnelOpenError}
   */
  handOver(request: TunnelRequest): void;

  /** Returns the subnets and routes that it carries packets by, or will when it is open again. */
  snapshot(): RouteSnapshot;
}

/**
 * Opens a tunnel for a backend.
 * @param components.random - yields numbers from 0 up to, but not including, 1. @default Math.random
 * @param initial - what it carries packets by from the first moment on. @default nothing
 * @throws {TunnelOpenError} when it cannot be opened the first time
 */
export function openReconnectingTunnel(
  components: {
    readonly openTunnel: (options: TunnelOptions) => Tunnel;
    readonly random?: (() => number) | undefined;
  },
  first: TunnelRequest,
  initial?: RouteSnapshot,
): ReconnectingTunnel {
  const memory = createRouteMemory(initial);
  const backoff = createBackoff({ random: components.random ?? Math.random });
  /** The first attempt after a time in which the tunnel was steady comes at once. */
  let isFirst = true;
  let request = first;
  let expiresAt = initial?.expiresAt;
  let openedAt = 0;
  /** The one that is open, or was last. */
  let tunnel = open();
  /** What it counted before it was closed; `undefined` while it is open. */
  let counted: TunnelStats | undefined;
  let retry: NodeJS.Timeout | undefined;
  announce();

  function open(): Tunnel {
    const opened: Tunnel = components.openTunnel({
      ...request.options,
      initial: { ...memory.snapshot(), expiresAt },
      // A report of what is closed may have been on its way.
      onFailure: (error) => {
        if (opened === tunnel && !counted) recover(error);
      },
    });
    openedAt = performance.now();
    return opened;
  }

  function reopen(): void {
    close();
    tunnel = open();
    counted = undefined;
    announce();
  }

  function close(end = () => tunnel.close()): void {
    clearTimeout(retry);
    counted ??= tunnel.stats();
    try {
      end();
    } catch (error) {
      // Reported and no more: the next one fails in turn if something was left in its way.
      request.onEvent({ kind: 'tunnel-failed', error: error as Error });
    }
  }

  function announce(): void {
    if (request.options.fastPath) request.onEvent({ kind: 'fast-path', state: tunnel.fastPath });
  }

  function recover(error: Error): void {
    request.onEvent({ kind: 'tunnel-failed', error });
    close();
    if (performance.now() - openedAt >= STEADY_MS) startOver();
    tryAgain(error.message);
  }

  function startOver(): void {
    backoff.reset();
    isFirst = true;
  }

  /** @param reported - the problem that was reported last: it is not reported again */
  function tryAgain(reported: string): void {
    if (!isFirst) retry = setTimeout(attempt, backoff.next(), reported);
    else {
      isFirst = false;
      attempt(reported);
    }
  }

  function attempt(reported: string): void {
    try {
      reopen();
    } catch (error) {
      const failure = error as Error;
      if (failure.message !== reported) request.onEvent({ kind: 'tunnel-failed', error: failure });
      tryAgain(failure.message);
      return;
    }
    request.onEvent({ kind: 'tunnel-reopened' });
  }

  /** Changes the tunnel, while it is open; one that refuses a change has failed. */
  function changeTunnel(apply: (tunnel: Tunnel) => void): void {
    if (counted) return;
    try {
      apply(tunnel);
    } catch (error) {
      recover(error as Error);
    }
  }

  function change(apply: (sink: RouteSink) => void): void {
    apply(memory);
    changeTunnel(apply);
  }

  return {
    get fastPath() {
      return tunnel.fastPath;
    },
    handOver(next) {
      const same = isDeepStrictEqual(next.options, request.options);
      request = next;
      const wasDown = counted !== undefined;
      if (same && !wasDown) {
        announce();
        return;
      }
      startOver();
      reopen();
      if (wasDown) request.onEvent({ kind: 'tunnel-reopened' });
    },
    setLocalSubnets: (subnets) => change((sink) => sink.setLocalSubnets(subnets)),
    setRoutes: (routes) => change((sink) => sink.setRoutes(routes)),
    updateRoutes: (routes) => change((sink) => sink.updateRoutes(routes)),
    setExpiry(at) {
      expiresAt = at;
      changeTunnel((tunnel) => tunnel.setExpiry(at));
    },
    stats: () => counted ?? tunnel.stats(),
    snapshot: () => memory.snapshot(),
    leave: () => close(() => tunnel.leave()),
    [Symbol.dispose]: () => close(),
  };
}
