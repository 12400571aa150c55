import type { PeerFollower } from '@flannel-ts/backend';
import { leaseKey } from '@flannel-ts/subnet';
import type { Logger } from './log.ts';

/** A follower that logs, for debugging, which leases the host was made equal to, each with its revision. */
export function logFollower(follower: PeerFollower, log: Logger): PeerFollower {
  return {
    ...follower,
    get peers() {
      return follower.peers;
    },
    async follow(event) {
      const changes = await follower.follow(event);
      const put = changes.flatMap((change) =>
        change.kind === 'put' ? [`${leaseKey(change.lease)}@${change.lease.revision}`] : [],
      );
      const removed = changes.flatMap((change) => (change.kind === 'removed' ? [leaseKey(change)] : []));
      log.debug({ put, removed }, 'leases followed');
      return changes;
    },
  };
}
