import { setTimeout as delay } from 'node:timers/promises';
import type { InterfaceAddress } from '@flannel-ts/ip';
import {
  openTunnel,
  TunnelOpenError,
  type Tunnel,
  type TunnelOptions,
  type TunnelRoute,
} from '@flannel-ts/tunnel';
import type { Backend } from './backend.ts';
import type { BackendEvent } from './events.ts';

/** Milliseconds between attempts to open a failed tunnel again. */
const RETRY_MS = 1_000;

/**
 * Opens a tunnel that is opened again, with its subnets and routes, when it fails: for example when
 * somebody deletes its device.
 * @throws {TunnelOpenError} when it cannot be opened the first time
 */
export function openLastingTunnel(
  options: Omit<TunnelOptions, 'onFailure'>,
  onEvent: (event: BackendEvent) => void,
): NonNullable<Backend['tunnel']> & AsyncDisposable {
  const stop = new AbortController();
  const routes = new Map<string, TunnelRoute>();
  let own: readonly InterfaceAddress[] = [];
  let tunnel = open();

  function open(): Tunnel {
    return openTunnel({
      ...options,
      onFailure(error) {
        onEvent({ kind: 'tunnel-failed', error });
        void reopen();
      },
    });
  }

  async function reopen(): Promise<void> {
    tunnel.close();
    while (!stop.signal.aborted) {
      try {
        tunnel = open();
        tunnel.setOwn(own);
        tunnel.setRoutes([...routes.values()]);
        onEvent({ kind: 'tunnel-reopened' });
        return;
      } catch (error) {
        if (!(error instanceof TunnelOpenError)) throw error;
        onEvent({ kind: 'tunnel-failed', error });
        await delay(RETRY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
  }

  return {
    setOwn(subnets) {
      own = subnets;
      tunnel.setOwn(subnets);
    },
    setRoutes(all) {
      routes.clear();
      for (const route of all) routes.set(route.destination.toString(), route);
      tunnel.setRoutes(all);
    },
    updateRoutes(change) {
      for (const destination of change.remove) routes.delete(destination.toString());
      for (const route of change.add) routes.set(route.destination.toString(), route);
      tunnel.updateRoutes(change);
    },
    stats: () => tunnel.stats(),
    [Symbol.asyncDispose]() {
      stop.abort();
      tunnel.close();
      return Promise.resolve();
    },
  };
}
