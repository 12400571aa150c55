import type { FirewallEvent } from '@flannel-ts/firewall';
import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { desiredRules } from '../src/firewall.ts';
import { followHosts } from '../src/keep-rules.ts';
import { reportFirewallEvent } from '../src/report-events.ts';
import { readRequest } from '../src/request.ts';

async function rulesOf(...args: string[]) {
  const request = await readRequest(args, {});
  if (request.kind !== 'run') throw new Error(request.kind);
  return desiredRules(request.settings, {
    config: { ipv4: { network: parsePrefix('10.5.0.0/16') } } as never,
    lease: { subnets: { ipv4: parsePrefix('10.5.1.0/24') } } as never,
    backend: { overlayInterfaces: ['flannel.1'] },
    underlay: { link: 'eth0' },
    hosts: [],
  });
}

it('the rules name the interfaces of the backend and the underlay', async () => {
  const rules = await rulesOf();
  expect(rules).toMatchObject({ forward: true, underlay: 'eth0' });
  expect(rules.overlays.map(({ interfaces }) => interfaces)).toEqual([['flannel.1']]);
});

it.each([
  ['0x100000/0x300000', { value: 0x100000, mask: 0x300000 }],
  ['2/3', { value: 2, mask: 3 }],
  ['0xf0000001', { value: 0xf0000001, mask: 0xffffffff }],
  ['', undefined],
])('--docker-accept-fwmark=%s is Docker’s notation', async (text, mark) => {
  expect((await rulesOf(`--docker-accept-fwmark=${text}`)).acceptMark).toEqual(mark);
});

it.each(['x', '1/', '0x123456789', '-1'])('--docker-accept-fwmark=%s is refused', async (text) => {
  await expect(readRequest([`--docker-accept-fwmark=${text}`], {})).rejects.toThrow(
    /^-docker-accept-fwmark must be a firewall mark/,
  );
});

it('hosts are applied when they change', async () => {
  const apply = vi.fn(() => Promise.resolve());
  const follow = followHosts({ apply }, (hosts) => ({ overlays: [], forward: hosts.length > 0 }));
  const [one, two] = ['192.0.2.1', '192.0.2.2'].map(parseAddress) as [never, never];
  for (const hosts of [[], [], [one, two], [two, one], [one]]) await follow(hosts);
  expect(apply).toHaveBeenCalledTimes(3);
});

it('what keeps the rules from their effect is a failing condition, until it is gone', () => {
  const log = pino({ level: 'silent' });
  const conditions = createConditions({ log });
  const report = (event: FirewallEvent) => reportFirewallEvent({ log, conditions }, event);
  report({ kind: 'obstacles', obstacles: [new Error('no iptables'), new Error('no mark')] });
  expect(conditions.list()).toMatchObject([
    { part: 'firewall', state: 'failing', reason: 'no iptables; no mark' },
  ]);
  report({ kind: 'obstacles', obstacles: [] });
  expect(conditions.list()).toMatchObject([{ part: 'firewall', state: 'ok' }]);
});
