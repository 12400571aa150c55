import { parseAddress } from '@flannel-ts/ip';
import { createLeaseTable, leaseKey, type Lease, type LeaseEvent } from '@flannel-ts/subnet';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPeerFollower } from '../src/index.ts';
import { createContext, createIn, lease } from './support/context.ts';

/** Few hosts, addresses and MAC addresses, so that leases move, clash, change their type and are malformed. */
const someLease: fc.Arbitrary<Lease> = fc
  .record({
    number: fc.integer({ min: 1, max: 5 }),
    host: fc.integer({ min: 1, max: 4 }),
    type: fc.constantFrom('vxlan', 'vxlan', 'host-gw', undefined),
    mac: fc.constantFrom('02:00:00:00:00:0a', '02:00:00:00:00:0b', 'none'),
  })
  .map(({ number, host, type, mac }) => {
    const publicIp = { ipv4: parseAddress(`192.0.2.${host}`) };
    const attributes = { publicIp, backendType: type, backendData: { VtepMAC: mac } };
    // Another value has another revision.
    return lease(number, attributes, [host, type, mac].join());
  });

const event: fc.Arbitrary<LeaseEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('snapshot' as const),
    leases: fc.uniqueArray(someLease, { selector: leaseKey }),
    unreadable: fc.constant([]),
  }),
  fc.record({
    kind: fc.constant('delta' as const),
    changes: fc.array(
      fc.oneof(
        someLease.map((changed) => ({ kind: 'put' as const, lease: changed })),
        someLease.map(({ subnets }) => ({ kind: 'removed' as const, subnets })),
      ),
    ),
  }),
);

/** What a follower makes of events: what each owner wants, and the tunnel's table. */
async function outcome(type: string, events: readonly LeaseEvent[]) {
  const context = createContext({ Type: type });
  const { device, tunnel } = context;
  const backend = await createIn(context);
  const follower = createPeerFollower({ ...context, backend }, lease(1, backend.attributes));
  for (const next of events) await follower.follow(next);
  const owners = ['self', ...[1, 2, 3, 4, 5].map((number) => `10.5.${number}.0-24`)];
  return {
    peers: follower.peers,
    wanted: owners.map((owner) => device.wantedBy(owner)),
    tunnel: tunnel.state()?.toSorted(),
  };
}

it.each(['vxlan', 'host-gw', 'udp'])('%s: events lead to what a restart would read', async (type) => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1 }), async (events) => {
      const table = createLeaseTable();
      for (const next of events) table.apply(next);
      const restarted = await outcome(type, [
        { kind: 'snapshot', leases: [...table.leases.values()], unreadable: [] },
      ]);
      expect(await outcome(type, events)).toEqual(restarted);
    }),
  );
});
