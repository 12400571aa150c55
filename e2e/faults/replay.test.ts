import { describe, expect, it } from 'vitest';
import { replay, type HistoryEvent } from './replay.ts';

const HOSTS = [new Set(['192.168.77.11', '192.168.77.101']), new Set(['192.168.77.12'])];
const HOST1 = leaseOf('192.168.77.11');
const HOST1_LATER = leaseOf('192.168.77.101');
const HOST2 = leaseOf('192.168.77.12');
const STRANGER = leaseOf('192.168.77.200');
const GARBAGE = '{"Public';

/** Replays changes that begin with an etcd without leases; revisions count from 1. */
function violations(
  changes: readonly (readonly [key: string, value: string | undefined])[],
  written: readonly string[] = [],
): string[] {
  const events = changes.map(([key, value], index): HistoryEvent => ({ key, value, revision: index + 1 }));
  const isOurs = (_key: string, value: string) => written.includes(value);
  return replay(events, { present: new Map(), isOurs, hostAddresses: HOSTS });
}

describe('a history that breaks a rule', () => {
  it.each([
    {
      rule: 'a host writes over the key of another one',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', HOST2],
      ],
      found: [`revision 2: host2 wrote 10.5.1.0-24 over ${HOST1}`],
    },
    {
      rule: 'a host takes a subnet around that of another one',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.0.0-16', HOST2],
      ],
      found: ['revision 2: host2 took 10.5.0.0-16 while host1 holds 10.5.1.0-24'],
    },
    {
      rule: 'a host takes a part of the subnet of another one',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.128-25', HOST2],
      ],
      found: ['revision 2: host2 took 10.5.1.128-25 while host1 holds 10.5.1.0-24'],
    },
    {
      rule: 'a host takes its subnet again after another one has taken it',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', undefined],
        ['10.5.1.0-24', HOST2],
        ['10.5.1.0-24', HOST1],
      ],
      found: [`revision 4: host1 wrote 10.5.1.0-24 over ${HOST2}`],
    },
    {
      rule: 'a host writes over the thief of its subnet, who is the suite',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', STRANGER],
        ['10.5.1.0-24', HOST1],
      ],
      written: [STRANGER],
      found: [`revision 3: host1 wrote 10.5.1.0-24 over ${STRANGER}`],
    },
  ] as const)('is found: $rule', ({ changes, found, ...rest }) => {
    expect(violations(changes, 'written' in rest ? rest.written : [])).toEqual(found);
  });

  it('is found in leases from before the recording', () => {
    const present = new Map([['10.5.1.0-24', HOST1]]);
    const events = [{ key: '10.5.1.0-24', value: HOST2, revision: 7 }];
    expect(replay(events, { present, isOurs: () => false, hostAddresses: HOSTS })).toHaveLength(1);
  });

  it('is found although it spans two calls', () => {
    const context = { present: new Map<string, string>(), isOurs: () => false, hostAddresses: HOSTS };
    expect(replay([{ key: '10.5.1.0-24', value: HOST1, revision: 1 }], context)).toEqual([]);
    expect(replay([{ key: '10.5.1.0-24', value: HOST2, revision: 2 }], context)).toHaveLength(1);
  });
});

describe('a history that is fine', () => {
  it.each([
    {
      what: 'hosts take subnets beside each other and renew them',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.2.0-24', HOST2],
        ['10.5.1.0-24', HOST1],
        ['10.5.2.0-24', HOST2],
      ],
    },
    {
      what: 'a host takes a subnet whose lease has ended',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', undefined],
        ['10.5.1.0-24', HOST2],
      ],
    },
    {
      what: 'a host writes its key with its next address',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', HOST1_LATER],
      ],
    },
    {
      what: 'a host repairs its key, which an operator has damaged',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', GARBAGE],
        ['10.5.1.0-24', HOST1],
      ],
      written: [GARBAGE],
    },
    {
      what: 'an operator writes over the key of a host',
      changes: [
        ['10.5.1.0-24', HOST1],
        ['10.5.1.0-24', STRANGER],
      ],
      written: [STRANGER],
    },
    {
      what: 'a key that names no subnet',
      changes: [
        ['hello', 'world'],
        ['10.5.1.0-24', HOST1],
      ],
      written: ['world'],
    },
  ] as const)('has no violation: $what', ({ changes, ...rest }) => {
    expect(violations(changes, 'written' in rest ? rest.written : [])).toEqual([]);
  });
});

function leaseOf(publicIp: string): string {
  return JSON.stringify({ PublicIP: publicIp, BackendType: 'vxlan' });
}
