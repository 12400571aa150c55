import type { Encapsulation } from '@flannel-ts/backend';
import { UnguardedTunnelError, type FirewallEvent, type GuardedTunnel } from '@flannel-ts/firewall';
import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { desiredRules } from '../src/firewall.ts';
import { followHosts } from '../src/keep-rules.ts';
import { reportFirewallEvent } from '../src/report-events.ts';
import { readRequest } from '../src/request.ts';

async function rulesOf(...args: string[]) {
  return rulesWith(args, { port: 8472, vni: 1 });
}

async function rulesWith(args: readonly string[], encapsulation: Encapsulation | undefined) {
  const request = await readRequest(args, {});
  if (request.kind !== 'run') throw new Error(request.kind);
  return desiredRules(request.settings, {
    config: { ipv4: { network: parsePrefix('10.5.0.0/16') } } as never,
    lease: { subnets: { ipv4: parsePrefix('10.5.1.0/24') } } as never,
    backend: { overlayInterfaces: ['flannel.1'], encapsulation },
    underlay: { link: 'eth0' },
    hosts: [],
    tunnelPeers: [parseAddress('192.0.2.2')],
  });
}

it('the rules name the interfaces of the backend and the underlay', async () => {
  const rules = await rulesOf();
  expect(rules).toMatchObject({ forward: true, underlay: 'eth0' });
  expect(rules.overlays.map(({ interfaces }) => interfaces)).toEqual([['flannel.1']]);
});

describe('the guard of the tunnel', () => {
  const vxlan = { port: 8472, vni: 1 };

  it('is for vxlan and udp, whatever other rules are desired', async () => {
    const off = ['--iptables-forward-rules=false'];
    const guarded = { family: 4, port: 8472, underlay: 'eth0', peers: [parseAddress('192.0.2.2')] };
    expect((await rulesWith(off, vxlan)).tunnel).toEqual({ ...guarded, onlyPeersVni: 1 });
    expect((await rulesWith(off, { port: 8285 })).tunnel).toEqual({ ...guarded, port: 8285 });
    expect((await rulesWith(off, undefined)).tunnel).toBeUndefined();
  });

  it('takes packets of any with --vxlan-accept=any', async () => {
    expect((await rulesWith(['--vxlan-accept=any'], vxlan)).tunnel?.onlyPeersVni).toBeUndefined();
  });
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

it('a tunnel that cannot be guarded is a degraded condition', () => {
  const log = pino({ level: 'silent' });
  const conditions = createConditions({ log });
  const tunnel: GuardedTunnel = { family: 4, port: 8285, underlay: 'eth0', peers: [] };
  const obstacles = [new UnguardedTunnelError(tunnel, new Error('nft is not in PATH'))];
  reportFirewallEvent({ log, conditions }, { kind: 'obstacles', obstacles });
  const [condition] = conditions.list();
  expect(condition).toMatchObject({ part: 'firewall', state: 'degraded' });
  expect(condition!.reason).toMatch(/ 8285 .*: nft is not in PATH$/);
});

it('refused packets are logged with their source, and those of vxlan with the switch that takes them', () => {
  const lines: string[] = [];
  const log = pino(
    { messageKey: 'msg' },
    { write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const report = (...sources: string[]) =>
    reportFirewallEvent(
      { log, conditions: createConditions({ log }) },
      { kind: 'refused', refusals: sources.map((source) => ({ reason: 'no-lease', source, packets: 17 })) },
    );
  report('192.0.2.9');
  expect(lines).toEqual([
    'vxlan refused 17 packets from 192.0.2.9, which has no lease; if it is a peer behind a NAT, use --vxlan-accept=any',
  ]);
  report(...Array.from({ length: 200 }, (_, number) => `198.51.100.${number}`));
  expect(lines.length).toBeLessThan(10);
});
