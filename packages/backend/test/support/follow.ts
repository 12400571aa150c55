import { parseSubnetKey } from '@flannel-ts/ip';
import type { Lease, LeaseChange } from '@flannel-ts/subnet';
import { createPeerFollower, type PeerFollower } from '../../src/index.ts';
import { createContext, createIn, lease, vxlanLease, type TestContext } from './context.ts';

export const put = (changed: Lease): LeaseChange => ({ kind: 'put', lease: changed });

/** The end of the lease `10.5.NUMBER.0-24`. */
export const removed = (number: number): LeaseChange => ({
  kind: 'removed',
  subnets: parseSubnetKey(`10.5.${number}.0-24`),
});

export interface Following extends TestContext {
  readonly follower: PeerFollower;
  readonly snapshot: (...leases: readonly Lease[]) => Promise<readonly LeaseChange[]>;
  readonly delta: (...changes: readonly LeaseChange[]) => Promise<readonly LeaseChange[]>;
}

/** Follows leases as the holder of 10.5.1.0-24. */
export async function follow(
  type: string,
  self = type === 'udp' ? lease(1) : vxlanLease(1, '02:00:00:00:00:01'),
): Promise<Following> {
  const context = createContext({ Type: type });
  const backend = await createIn(context);
  const follower = createPeerFollower({ ...context, backend }, self);
  return {
    ...context,
    follower,
    snapshot: (...leases) => follower.follow({ kind: 'snapshot', leases, unreadable: [] }),
    delta: (...changes) => follower.follow({ kind: 'delta', changes }),
  };
}
