import type { CallOptions, Clock, Logger } from '@flannel-ts/subnet';
import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import type { Connection } from './connection.ts';
import { duplex } from './duplex.ts';
import { NO_ETCD_LEASE } from './revision.ts';

/** What gives keys a time to live in etcd v3: an object with an id, which keys are attached to. */
export interface EtcdLease {
  readonly id: string;
  /** Milliseconds by the clock; `undefined` for {@link NO_ETCD_LEASE}. */
  readonly expiresAt: number | undefined;
}

export interface EtcdLeases {
  /** A new etcd lease; none for an endless time to live. */
  grant(ttlMs: number | undefined, options?: CallOptions): Promise<EtcdLease>;
  /** The etcd lease with its time to live begun anew, or a new one when it is gone or was granted for another time. */
  renew(id: string, ttlMs: number | undefined, options?: CallOptions): Promise<EtcdLease>;
  /** Ends an etcd lease unless a key is attached to it. Best effort: what fails goes with its time to live. */
  release(id: string): Promise<void>;
}

export function createEtcdLeases({
  connection,
  clock,
  log,
}: {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Logger;
}): EtcdLeases {
  async function grant(ttlMs: number | undefined, options?: CallOptions): Promise<EtcdLease> {
    if (ttlMs === undefined) return { id: NO_ETCD_LEASE, expiresAt: undefined };
    const start = clock.now();
    const { ID, TTL } = await connection.call(
      ({ member, request }) => member.client.leaseClient.leaseGrant({ TTL: seconds(ttlMs) }, request),
      options,
    );
    return { id: ID, expiresAt: start + Number(TTL) * 1000 };
  }

  /** Returns the granted time to live in seconds; 0 when the etcd lease is gone. */
  function keepAlive(id: string, options?: CallOptions): Promise<number> {
    return connection.call(async ({ member, request }) => {
      const stream = await member.client.leaseClient.leaseKeepAlive(request);
      for await (const { TTL } of duplex<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>(stream, {
        ID: id,
      })) {
        return Number(TTL);
      }
      throw new Error('etcd ended the stream without an answer');
    }, options);
  }

  return {
    grant,
    async renew(id, ttlMs, options) {
      if (ttlMs === undefined || id === NO_ETCD_LEASE) return grant(ttlMs, options);
      const start = clock.now();
      const ttl = await keepAlive(id, options);
      return ttl === seconds(ttlMs) ? { id, expiresAt: start + ttl * 1000 } : grant(ttlMs, options);
    },
    async release(id) {
      if (id === NO_ETCD_LEASE) return;
      try {
        await connection.call(async ({ member, request }) => {
          const { leaseClient } = member.client;
          const { TTL, keys } = await leaseClient.leaseTimeToLive({ ID: id, keys: true }, request);
          if (Number(TTL) > 0 && keys.length === 0) await leaseClient.leaseRevoke({ ID: id }, request);
        });
      } catch (error) {
        log.debug({ etcdLease: id, error }, 'cannot revoke an etcd lease; it ends with its time to live');
      }
    },
  };
}

function seconds(ttlMs: number): number {
  return Math.ceil(ttlMs / 1000);
}
