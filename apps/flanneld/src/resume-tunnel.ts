import type { Backends } from '@flannel-ts/backend';
import { openSynchronousNetlink } from '@flannel-ts/netlink';
import { waitUntil, type Clock, type Logger } from '@flannel-ts/subnet';
import { messageOf } from './message-of.ts';
import { readTunnelRecord } from './tunnel-record.ts';

/**
 * Opens the tunnel that a former daemon has recorded, so that containers go on talking while this one asks etcd. When the
 * former lease expires, the tunnel carries nothing more, until this is disposed of since there is a lease. Whatever keeps
 * the tunnel from being opened is logged, and no error.
 */
export function resumeTunnel(
  {
    backends,
    clock,
    log,
  }: {
    readonly backends: Pick<Backends, 'resumeTunnel'>;
    readonly clock: Clock;
    readonly log: Logger;
  },
  subnetFile: string,
): Disposable {
  const waiting = new AbortController();
  const handle = { [Symbol.dispose]: () => waiting.abort() };
  try {
    const record = readTunnelRecord(subnetFile);
    if (!record) return handle;
    const { tunnel, expiresAt = Infinity } = record;
    if (expiresAt <= clock.now()) throw new Error('its lease has expired');
    if (!hasLink(tunnel.device)) throw new Error(`there is no device ${tunnel.device}`);
    const carried = backends.resumeTunnel({ ...tunnel, expiresAt: record.expiresAt });
    log.info({ peers: tunnel.routes.length }, 'the tunnel of the former run carries packets meanwhile');
    const { signal } = waiting;
    const expire = () => {
      if (signal.aborted) return;
      carried.setLocalSubnets([]);
      carried.setRoutes([]);
      log.warn({}, 'the lease of the former run has expired: its tunnel carries nothing more');
    };
    void waitUntil(clock, expiresAt, { signal }).then(expire, () => undefined);
  } catch (error) {
    log.info({ reason: messageOf(error) }, 'the tunnel of the former run is not resumed');
  }
  return handle;
}

function hasLink(name: string): boolean {
  using netlink = openSynchronousNetlink();
  return netlink.findLink(name) !== undefined;
}
