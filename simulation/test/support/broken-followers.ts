import { createPeerFollower } from '@flannel-ts/backend';
import { leaseKey, toChange, type Lease, type LeaseChange, type LeaseEvent } from '@flannel-ts/subnet';

type CreatePeerFollower = typeof createPeerFollower;

/** Leaves the routes of peers that are gone. */
export const keepRemovedPeers: CreatePeerFollower = (components, self) => {
  const { device } = components;
  const update: typeof device.update = (changes) =>
    device.update(new Map([...changes].filter(([, state]) => state !== undefined)));
  return createPeerFollower({ ...components, device: { ...device, update } }, self);
};

/** Does not see what a snapshot lacks. */
export const ignoreMissing: CreatePeerFollower = (components, self) => {
  let isFirst = true;
  return changingEvents(components, self, (event) => {
    const { kind } = event;
    if (kind === 'delta' || isFirst) {
      isFirst = false;
      return event;
    }
    return { kind: 'delta', changes: [...event.leases, ...event.unreadable].map(toChange) };
  });
};

/** Takes leases of one revision for equal. */
export const compareRevisions: CreatePeerFollower = (components, self) => {
  const known = new Map<string, Lease>();
  const remember = (lease: Lease): Lease => {
    const before = known.get(leaseKey(lease));
    const kept = before?.revision === lease.revision ? before : lease;
    known.set(leaseKey(lease), kept);
    return kept;
  };
  const rememberChange = (change: LeaseChange): LeaseChange =>
    change.kind === 'put' ? { kind: 'put', lease: remember(change.lease) } : change;
  return changingEvents(components, self, (event) =>
    event.kind === 'snapshot'
      ? { ...event, leases: event.leases.map(remember) }
      : { kind: 'delta', changes: event.changes.map(rememberChange) },
  );
};

/** Ends at a peer that publishes nonsense. */
export const failAtBadData: CreatePeerFollower = (components, self) => {
  const check = ({ attributes }: Lease) => {
    if (typeof attributes.backendData === 'number') throw new TypeError('the data of a peer is no object');
  };
  return changingEvents(components, self, (event) => {
    if (event.kind === 'snapshot') event.leases.forEach(check);
    else for (const change of event.changes) if (change.kind === 'put') check(change.lease);
    return event;
  });
};

function changingEvents(
  components: Parameters<CreatePeerFollower>[0],
  self: Lease,
  change: (event: LeaseEvent) => LeaseEvent,
): ReturnType<CreatePeerFollower> {
  const follower = createPeerFollower(components, self);
  return {
    get peers() {
      return follower.peers;
    },
    skipped: follower.skipped,
    gateways: follower.gateways,
    follow: async (event) => follower.follow(change(event)),
  };
}
