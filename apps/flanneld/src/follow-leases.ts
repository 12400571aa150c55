import type { PeerFollower } from '@flannel-ts/backend';
import type { LeaseChange, LeaseEvent, LeaseKeeper } from '@flannel-ts/subnet';

/**
 * Follows peers to the end of the watch; the keeper sees what happens to the lease of this host. After a pause of the
 * host that was longer than the lease lives, the lease is verified before the kernel is touched.
 * @throws {LeaseLostError}
 */
export async function followLeases(
  events: AsyncIterable<LeaseEvent>,
  { follower, keeper }: { readonly follower: PeerFollower; readonly keeper: LeaseKeeper },
  hooks: {
    /** Called after each event with what it changed. */
    readonly onFollowed: (changes: readonly LeaseChange[]) => Promise<void>;
    /** Called once, after the first event and its `onFollowed`. */
    readonly onFirst: () => void;
  },
): Promise<void> {
  let first = true;
  for await (const event of events) {
    keeper.observe(event);
    await keeper.verified();
    const changes = await follower.follow(event);
    await hooks.onFollowed(changes);
    if (first) hooks.onFirst();
    first = false;
  }
}
