import {
  excerpt,
  leaseKey,
  sameAttributes,
  type Lease,
  type LeaseChange,
  type NetworkConfig,
} from '@flannel-ts/subnet';
import type { Backend, DesiredState } from './backend.ts';
import { PeerDataError } from './errors.ts';
import { createRivalry, type Claim } from './rivalry.ts';

/** What a lease asked of this host, and what it asks now. */
export interface PlanChange {
  readonly before: DesiredState | undefined;
  readonly after: DesiredState | undefined;
}

/** Which leases are followed, and how. No I/O: the same leases give the same selection, in whatever order they come. */
export interface PeerSelection {
  /** What followed leases ask of this host, by {@link leaseKey}. */
  readonly plans: ReadonlyMap<string, DesiredState>;
  /** Why leases are not followed that seem meant for us, by {@link leaseKey}. */
  readonly skipped: ReadonlyMap<string, string>;
  /** Takes in changes and returns what they change, by lease. The cost is that of the changes. */
  update(changes: readonly LeaseChange[]): ReadonlyMap<string, PlanChange>;
}

/** What becomes of a lease by itself, before it is compared with others; neither when it is none of a peer. */
interface Verdict {
  readonly plan?: DesiredState | undefined;
  readonly reason?: string | undefined;
}

interface Judged {
  readonly lease: Lease;
  readonly verdict: Verdict;
}

/** Selects peers for the holder of the lease `self`. */
export function createPeerSelection(
  components: {
    readonly backend: Backend;
    readonly config: NetworkConfig;
    /** Called when a lease is skipped for a reason that it was not skipped for before. */
    readonly onSkipped: (lease: string, reason: string) => void;
  },
  self: Lease,
): PeerSelection {
  const { config, onSkipped } = components;
  const selfKey = leaseKey(self);
  const judged = new Map<string, Judged>();
  const plans = new Map<string, DesiredState>();
  const skipped = new Map<string, string>();
  const rivalry = createRivalry(config.ipv4?.subnetLength ?? 0);

  function judge(lease: Lease): void {
    const key = leaseKey(lease);
    const former = judged.get(key)?.lease;
    // A renewal, as are nearly all changes.
    if (former && isRenewal(former, lease)) return;
    const verdict = key === selfKey ? {} : judgeLease(components, self, lease);
    judged.set(key, { lease, verdict });
    rivalry.set(key, verdict.plan && claimOf(lease, verdict.plan));
  }

  function forget(key: string): void {
    judged.delete(key);
    rivalry.set(key, undefined);
  }

  /** Decides on a lease whose verdict or rivals changed. */
  function decide(key: string): PlanChange {
    const before = plans.get(key);
    const verdict = judged.get(key)?.verdict;
    const reason = verdict?.reason ?? rivalry.reasonToYield(key);
    const after = reason === undefined ? verdict?.plan : undefined;
    put(plans, key, after);
    if (reason !== undefined && reason !== skipped.get(key)) onSkipped(key, reason);
    put(skipped, key, reason);
    return { before, after };
  }

  return {
    plans,
    skipped,
    update(changes) {
      for (const change of changes) {
        if (change.kind === 'put') judge(change.lease);
        if (change.kind === 'removed') forget(leaseKey(change));
      }
      const planned = new Map<string, PlanChange>();
      for (const key of rivalry.takeChanged()) {
        const change = decide(key);
        if (change.before !== change.after) planned.set(key, change);
      }
      return planned;
    },
  };
}

/** Whether a lease asks for what it asked for before; what cannot be compared is judged again. */
function isRenewal(before: Lease, after: Lease): boolean {
  try {
    return sameAttributes(before.attributes, after.attributes);
  } catch {
    return false;
  }
}

/** Judges a lease. Whatever the exception is that its data causes, it concerns this lease alone. */
function judgeLease(
  { backend, config }: { readonly backend: Backend; readonly config: NetworkConfig },
  self: Lease,
  lease: Lease,
): Verdict {
  const reason = reasonToSkip(config, self, lease);
  if (reason !== undefined) return { reason };
  try {
    return { plan: backend.planPeer(lease) };
  } catch (error) {
    if (error instanceof PeerDataError) return { reason: error.message };
    return { reason: `it cannot be read: ${excerpt(String(error))}` };
  }
}

/** Why following a lease would do harm, whatever the backend. */
function reasonToSkip({ ipv4 }: NetworkConfig, self: Lease, { subnets }: Lease): string | undefined {
  if (!subnets.ipv4 || !ipv4?.network.contains(subnets.ipv4)) {
    return 'its subnet is outside the cluster network; one of an earlier network expires by itself';
  }
  return self.subnets.ipv4?.overlaps(subnets.ipv4)
    ? 'its subnet overlaps our own; delete the lease that is wrong, and its host takes another subnet'
    : undefined;
}

function claimOf({ subnets }: Lease, { host }: DesiredState): Claim {
  return { subnet: subnets.ipv4!, vteps: host?.fdb ?? [] };
}

/** Sets a value, or deletes the key for none. */
function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
