import type { Backends } from '@flannel-ts/backend';
import type { LeaseKeeper } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import { messageOf } from './message-of.ts';
import type { Settings } from './request.ts';
import { deleteTunnelRecord, writeTunnelRecord } from './tunnel-record.ts';

/** Milliseconds in which changes are written together, as leases of a large cluster come in bursts. */
const TOGETHER_MS = 1_000;

/** Keeps the record of what udp's tunnel carries packets by, and has it expire with the lease. */
export interface TunnelRecordKeeper extends Disposable {
  /** The tunnel or the lease may have changed: what they are then is written within a second, or when this is disposed of. */
  changed(): void;
}

/**
 * Writes the record while the daemon runs, and not only at its end, so that one that was killed is resumed, too. Without
 * a tunnel, or for a lease that ends with the daemon, there is no record.
 */
export function keepTunnelRecord(
  settings: Pick<Settings, 'subnet-file' | 'release-lease-on-exit'>,
  components: {
    readonly backends: Pick<Backends, 'tunnelState' | 'setTunnelExpiry'>;
    readonly keeper: Pick<LeaseKeeper, 'lease'>;
    readonly conditions: Conditions;
  },
): TunnelRecordKeeper {
  const { backends, keeper, conditions } = components;
  const subnetFile = settings['subnet-file'];
  let pending: NodeJS.Timeout | undefined;

  function write(): void {
    pending = undefined;
    const { expiresAt } = keeper.lease;
    expireWithLease();
    const tunnel = settings['release-lease-on-exit'] ? undefined : backends.tunnelState();
    try {
      if (!tunnel || expiresAt === 'unknown') deleteTunnelRecord(subnetFile);
      else writeTunnelRecord(subnetFile, { tunnel, expiresAt });
      conditions.report('files', 'ok', '', 'tunnel');
    } catch (error) {
      const reason = `the tunnel cannot be recorded, so containers will wait at the next start: ${messageOf(error)}`;
      conditions.report('files', 'degraded', reason, 'tunnel');
    }
  }

  /** A lease whose expiry is not known is renewed at once. */
  function expireWithLease(): void {
    const { expiresAt } = keeper.lease;
    if (expiresAt !== 'unknown') backends.setTunnelExpiry(expiresAt);
  }

  expireWithLease();
  return {
    changed() {
      pending ??= setTimeout(write, TOGETHER_MS);
    },
    [Symbol.dispose]() {
      if (!pending) return;
      clearTimeout(pending);
      write();
    },
  };
}
