import { parseAddress } from '@flannel-ts/ip';
import type { KernelEvent, Link } from '@flannel-ts/netlink';
import { beforeEach, expect, it } from 'vitest';
import { createDriftCollector } from '../src/collect-drift.ts';
import { DesiredEntries } from '../src/desired-entries.ts';
import { Links } from '../src/kernel-tables.ts';
import { desired, peer, self, vxlan } from './support/host.ts';

const eth0: Link = { name: 'eth0', index: 2, mtu: 1500, up: true, detail: { kind: 'physical' } };
const flannel1: Link = {
  ...{ name: 'flannel.1', index: 3, mtu: 1450, up: true, mac: vxlan.mac, parentIndex: 2 },
  detail: { ...vxlan, l2miss: false },
};
const fdb = { linkIndex: 3, mac: '02:00:00:00:01:07', permanent: true };

/** What was scheduled since it was last taken. */
let scheduled: string[];
let add: (event: KernelEvent) => void;

beforeEach(() => {
  const entries = new DesiredEntries();
  entries.replaceAll(desired({ self, seven: peer(7) }));
  scheduled = [];
  add = createDriftCollector({
    desired: entries,
    links: () => new Links([eth0, flannel1]),
    schedule: {
      entry: (key) => scheduled.push(key),
      settled: (subject) => scheduled.push(`settled ${subject}`),
      everything: (subject) => scheduled.push(subject ? `everything for ${subject}` : 'everything'),
      [Symbol.dispose]: () => undefined,
    },
  });
});

function link(change: Partial<Link>, of = eth0): string[] {
  add({ kind: 'link', change: 'put', link: { ...of, ...change } });
  return scheduled.splice(0);
}

it('compares everything when an underlay link is renamed, and when it has its name again', () => {
  expect(link({})).toContain('everything');
  expect(link({ name: 'uplink' })).toContain('everything');
  expect(link({})).toContain('everything');
});

it('compares everything once for a report that comes again', () => {
  expect(link({ mtu: 1400 })).toContain('everything');
  expect(link({ mtu: 1400 })).toEqual([]);
});

it('ignores links that nothing depends on', () => {
  expect(link({ name: 'docker0', index: 4 })).toEqual([]);
});

it.each([
  ['MTU', { mtu: 1400 }],
  ['state', { up: false }],
  ['MAC address', { mac: '02:00:00:00:00:09' }],
  ['parent', { parentIndex: 9 }],
  ['VNI', { detail: { ...vxlan, l2miss: false, vni: 9 } }],
])('takes another %s of a desired link for its drift, and the desired one for none', (_, change) => {
  expect(link(change, flannel1)).toEqual(['everything for link flannel.1']);
  expect(link({ index: 5 }, flannel1)).toEqual(['settled link flannel.1', 'everything']);
});

it.each([
  ['a desired', '10.5.1.0'],
  ['another process’s', '10.6.1.0'],
])('takes what happens to %s address of our link for a reason that may come again and again', (_, text) => {
  const address = {
    linkIndex: 3,
    address: parseAddress(text),
    prefixLength: 32,
    scope: 'global',
  } as const;
  add({ kind: 'address', change: 'removed', address });
  add({ kind: 'address', change: 'put', address });
  const reason = `everything for address ${text}/32 dev flannel.1`;
  expect(scheduled).toEqual([reason, reason]);
});

it('repairs a changed entry alone, unless it is as desired again', () => {
  add({ kind: 'fdb', change: 'put', entry: { ...fdb, destination: parseAddress('192.0.2.9') } });
  add({ kind: 'fdb', change: 'put', entry: { ...fdb, destination: parseAddress('192.0.2.7') } });
  const key = 'fdb 02:00:00:00:01:07 dev flannel.1';
  expect(scheduled).toEqual([key, `settled ${key}`]);
});
