import type { InterfaceAddress } from '@flannel-ts/ip';
import { TunnelOpenError, type Tunnel, type TunnelOptions, type TunnelRoute } from '@flannel-ts/tunnel';
import type { Backend } from './backend.ts';
import type { BackendEvent } from './events.ts';

/** Milliseconds between attempts to open a failed tunnel again. */
const RETRY_MS = 1_000;

/**
 * Opens a tunnel that is opened again, with its subnets and routes, when it fails: for example when
 * somebody deletes its device. Meanwhile it takes in changes, and tells the counts of before.
 * @throws {TunnelOpenError} when it cannot be opened the first time
 */
export function openLastingTunnel(
  components: {
    readonly openTunnel: (options: TunnelOptions) => Tunnel;
    readonly onEvent: (event: BackendEvent) => void;
  },
  options: Omit<TunnelOptions, 'onFailure'>,
): NonNullable<Backend['tunnel']> & AsyncDisposable {
  const { openTunnel, onEvent } = components;
  const routes = new Map<string, TunnelRoute>();
  let own: readonly InterfaceAddress[] = [];
  /** `undefined` while it is closed. */
  let tunnel: Tunnel | undefined = open();
  let { fastPath } = tunnel;
  let stats = tunnel.stats();
  let retry: NodeJS.Timeout | undefined;

  function open(): Tunnel {
    const opened = openTunnel({
      ...options,
      onFailure(error) {
        onEvent({ kind: 'tunnel-failed', error });
        close();
        reopen();
      },
    });
    if (options.fastPath) onEvent({ kind: 'fast-path', state: opened.fastPath });
    return opened;
  }

  function close(): void {
    if (tunnel) stats = tunnel.stats();
    tunnel?.close();
    tunnel = undefined;
  }

  /** @param told - the problem that the operator knows of */
  function reopen(told?: string): void {
    try {
      tunnel = open();
      ({ fastPath } = tunnel);
      tunnel.setOwn(own);
      tunnel.setRoutes([...routes.values()]);
      onEvent({ kind: 'tunnel-reopened' });
    } catch (error) {
      if (!(error instanceof TunnelOpenError)) throw error;
      if (error.message !== told) onEvent({ kind: 'tunnel-failed', error });
      retry = setTimeout(() => reopen(error.message), RETRY_MS);
    }
  }

  return {
    get fastPath() {
      return fastPath;
    },
    setOwn(subnets) {
      own = subnets;
      tunnel?.setOwn(subnets);
    },
    setRoutes(all) {
      tunnel?.setRoutes(all);
      routes.clear();
      for (const route of all) routes.set(route.destination.toString(), route);
    },
    updateRoutes(change) {
      tunnel?.updateRoutes(change);
      for (const destination of change.remove) routes.delete(destination.toString());
      for (const route of change.add) routes.set(route.destination.toString(), route);
    },
    stats: () => tunnel?.stats() ?? stats,
    [Symbol.asyncDispose]() {
      clearTimeout(retry);
      close();
      return Promise.resolve();
    },
  };
}
