import type { Underlay } from '@flannel-ts/backend';
import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { isSameUnderlay, watchUnderlay } from '../src/watch-underlay.ts';

const underlay: Underlay = {
  link: 'eth0',
  mtu: 1500,
  address: { ipv4: parseAddress('192.0.2.1'), ipv6: parseAddress('2001:db8::1') },
  onLink: [parsePrefix('192.0.2.0/24'), parsePrefix('2001:db8::/64')],
  publicIp: { ipv4: parseAddress('192.0.2.1'), ipv6: parseAddress('2001:db8::1') },
};

it('is the same while only addresses of a family change that the overlay does not use', () => {
  const privacy = parseAddress('2001:db8::abcd');
  const next = {
    ...underlay,
    address: { ...underlay.address, ipv6: privacy },
    publicIp: { ...underlay.publicIp, ipv6: privacy },
  };
  expect(isSameUnderlay(underlay, next, [4])).toBe(true);
  expect(isSameUnderlay(underlay, next, [4, 6])).toBe(false);
});

it('is the same when an address comes that no other host is reached by, as that of keepalived', () => {
  const next = { ...underlay, onLink: [...underlay.onLink, parsePrefix('192.0.2.100/32')] };
  expect(isSameUnderlay(underlay, next, [4])).toBe(true);
});

it.each<[string, Partial<Underlay>]>([
  ['interface', { link: 'eth1' }],
  ['MTU', { mtu: 1400 }],
  ['own address', { address: { ipv4: parseAddress('192.0.2.9') } }],
  ['network', { onLink: [parsePrefix('192.0.2.0/25')] }],
  ['public address', { publicIp: { ipv4: parseAddress('198.51.100.1') } }],
])('is another one with another %s', (_, change) => {
  expect(isSameUnderlay(underlay, { ...underlay, ...change }, [4])).toBe(false);
});

it('reports as the condition underlay that no interface fits, and what there is', async () => {
  const { result, conditions, stop } = watch({ iface: ['nope'] });
  await expect
    .poll(() => conditions.list()[0]?.reason)
    .toMatch(/^no interface matches -iface nope; there are lo/);
  stop.abort();
  expect(await result).toBeUndefined();
});

it('throws at once for an expression that can never match', async () => {
  const { result } = watch({ iface: ['nope'], regex: ['eth['] });
  await expect(result).rejects.toThrow('-iface-regex must be a regular expression, not "eth["');
});

function watch({
  iface,
  regex = [],
}: {
  readonly iface: readonly string[];
  readonly regex?: readonly string[];
}) {
  const stop = new AbortController();
  const conditions = createConditions({ log: pino({ level: 'silent' }) });
  const choice = {
    ...{ iface, 'iface-regex': regex, 'iface-can-reach': undefined },
    ...{ 'public-ip': undefined, 'public-ipv6': undefined },
  };
  async function first(): Promise<unknown> {
    await using netlink = createNetlink({ openPort: openNetlinkPort });
    const options = { families: () => [4] as const, signal: stop.signal };
    return (await watchUnderlay({ netlink, conditions }, choice, options).next()).value;
  }
  return { result: first(), conditions, stop };
}
