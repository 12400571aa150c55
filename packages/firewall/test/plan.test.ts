import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import { compareChain, restoreTable } from '../src/iptables/compare.ts';
import { planChains as planIptables } from '../src/iptables/plan.ts';
import { parseSavedTable } from '../src/iptables/saved-table.ts';
import { planChains as planNftables, replaceChains } from '../src/nftables/plan.ts';
import { changePeers, guardName, replaceTable } from '../src/guard/plan.ts';
import type { FamilyRules } from '../src/family-rules.ts';
import type { DesiredRules } from '../src/desired-rules.ts';
import { familyRules, desiredRules } from './support/rules.ts';

/** What iptables-restore is given when there is nothing of ours yet. */
function iptablesText(rules: FamilyRules, docker = false): string {
  const nothing = parseSavedTable('');
  const plans = planIptables(rules, docker);
  return (['nat', 'filter', 'raw'] as const)
    .map((table) => ({ table, of: plans.filter((plan) => plan.table === table) }))
    .map(({ table, of }) => ({ table, lines: of.flatMap((plan) => compareChain(plan, nothing).lines) }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ table, lines }) => restoreTable(table, lines))
    .join('');
}

function nftablesText(rules: FamilyRules): string {
  return replaceChains(rules.family, { old: [], chains: planNftables(rules) });
}

it('IPv4 by iptables', () => {
  expect(iptablesText(familyRules(4))).toBe(`*nat
-N FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
*filter
-N FLANNEL-FWD
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-N FLANNEL-INGRESS
-A FLANNEL-INGRESS -s 10.5.0.0/16 -d 10.5.1.0/24 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-I FORWARD -m comment --comment "flanneld ingress" -j FLANNEL-INGRESS
COMMIT
*raw
-N FLANNEL-RAW
-A FLANNEL-RAW -s 10.5.0.0/16 -d 10.5.1.0/24 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-I PREROUTING -m comment --comment "flanneld ingress" -j FLANNEL-RAW
COMMIT
`);
});

it('IPv6 by iptables', () => {
  expect(iptablesText(familyRules(6))).toBe(`*nat
-N FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s fc00:0:0:1::/64 -d fc00::/48 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s fc00::/48 -d fc00:0:0:1::/64 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s fc00::/48 -d fc00:0:0:1::/64 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s fc00::/48 ! -d ff00::/8 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s fc00::/48 -d fc00::/48 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
*filter
-N FLANNEL-FWD
-A FLANNEL-FWD -s fc00::/48 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d fc00::/48 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-N FLANNEL-INGRESS
-A FLANNEL-INGRESS -s fc00::/48 -d fc00:0:0:1::/64 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-I FORWARD -m comment --comment "flanneld ingress" -j FLANNEL-INGRESS
COMMIT
*raw
-N FLANNEL-RAW
-A FLANNEL-RAW -s fc00::/48 -d fc00:0:0:1::/64 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-I PREROUTING -m comment --comment "flanneld ingress" -j FLANNEL-RAW
COMMIT
`);
});

it('IPv4 by nftables', () => {
  expect(nftablesText(familyRules(4))).toBe(`table ip flannel-ipv4 {
  chain forward-10.5.0.0-16 {
    type filter hook forward priority filter; policy accept;
    ip saddr 10.5.0.0/16 accept comment "flanneld forward"
    ip daddr 10.5.0.0/16 accept comment "flanneld forward"
  }
  chain postrtg-10.5.0.0-16 {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x4000 == 0x4000 return comment "flanneld masq"
    ip saddr 10.5.1.0/24 ip daddr 10.5.0.0/16 return comment "flanneld masq"
    ip saddr 10.5.0.0/16 ip daddr 10.5.1.0/24 return comment "flanneld masq"
    ip saddr != 10.5.0.0/16 ip daddr 10.5.1.0/24 return comment "flanneld masq"
    ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random comment "flanneld masq"
    ip saddr != 10.5.0.0/16 ip daddr 10.5.0.0/16 masquerade fully-random comment "flanneld masq"
  }
}
`);
});

it('IPv6 by nftables', () => {
  expect(nftablesText(familyRules(6))).toBe(`table ip6 flannel-ipv6 {
  chain forward-fc00__-48 {
    type filter hook forward priority filter; policy accept;
    ip6 saddr fc00::/48 accept comment "flanneld forward"
    ip6 daddr fc00::/48 accept comment "flanneld forward"
  }
  chain postrtg-fc00__-48 {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x4000 == 0x4000 return comment "flanneld masq"
    ip6 saddr fc00:0:0:1::/64 ip6 daddr fc00::/48 return comment "flanneld masq"
    ip6 saddr fc00::/48 ip6 daddr fc00:0:0:1::/64 return comment "flanneld masq"
    ip6 saddr != fc00::/48 ip6 daddr fc00:0:0:1::/64 return comment "flanneld masq"
    ip6 saddr fc00::/48 ip6 daddr != ff00::/8 masquerade fully-random comment "flanneld masq"
    ip6 saddr != fc00::/48 ip6 daddr fc00::/48 masquerade fully-random comment "flanneld masq"
  }
}
`);
});

it('leaves out what is not desired', () => {
  const withoutForward = familyRules(4, { forward: false, masquerade: { fullyRandom: false } });
  expect(iptablesText(withoutForward)).toMatch(/^\*nat\n[^*]*$/);
  expect(iptablesText(withoutForward)).not.toContain('random');
  expect(nftablesText(withoutForward)).not.toMatch(/forward|random/);
  const withoutMasquerade = familyRules(4, { masquerade: undefined });
  expect(iptablesText(withoutMasquerade)).not.toMatch(/nat|POSTRTG|masq/);
  expect(nftablesText(withoutMasquerade)).not.toMatch(/postrtg|masq/);
  expect(iptablesText(familyRules(4, { overlays: [] }))).toBe('');
});

describe('for packets that arrive from other hosts', () => {
  const interfaces = ['flannel.1'];
  const [overlay] = desiredRules(1).overlays;
  const ingress = (change: Partial<DesiredRules>) =>
    familyRules(4, {
      overlays: [{ ...overlay!, interfaces }],
      masquerade: undefined,
      underlay: 'eth0',
      ...change,
    });
  const withoutForward = (text: string) =>
    text
      .split('\n')
      .filter((line) => !/FLANNEL-FWD/.test(line))
      .join('\n');

  it('accepts by interface, source and own subnet before all others, by iptables', () => {
    expect(withoutForward(iptablesText(ingress({})))).toBe(`*filter
-N FLANNEL-INGRESS
-A FLANNEL-INGRESS -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j ACCEPT
-I FORWARD -m comment --comment "flanneld ingress" -j FLANNEL-INGRESS
COMMIT
*raw
-N FLANNEL-RAW
-A FLANNEL-RAW -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j ACCEPT
-I PREROUTING -m comment --comment "flanneld ingress" -j FLANNEL-RAW
COMMIT
`);
  });

  it('beside Docker, does so in Docker’s chain for operators, and drops what comes from outside', () => {
    expect(iptablesText(ingress({ forward: true }), true)).toContain(`
-A FLANNEL-INGRESS -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j ACCEPT
-A FLANNEL-INGRESS -d 10.5.0.0/16 -i eth0 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -m comment --comment "flanneld ingress" -j DROP
-I DOCKER-USER -m comment --comment "flanneld ingress" -j FLANNEL-INGRESS
`);
  });

  it('knows other hosts by address where packets arrive without encapsulation', () => {
    const hosts = ['192.0.2.2', '192.0.2.3', '192.0.2.8', 'fd77::2'].map(parseAddress);
    const direct = { overlays: [{ ...overlay!, interfaces: ['eth0'], hosts }] };
    expect(iptablesText(ingress(direct), true)).toContain(`
-A FLANNEL-INGRESS -s 10.5.0.0/16 -d 10.5.1.0/24 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-A FLANNEL-INGRESS -s 192.0.2.2/31 -d 10.5.1.0/24 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-A FLANNEL-INGRESS -s 192.0.2.8/32 -d 10.5.1.0/24 -i eth0 -m comment --comment "flanneld ingress" -j ACCEPT
-A FLANNEL-INGRESS -d 10.5.0.0/16 -i eth0 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -m comment --comment "flanneld ingress" -j DROP
`);
    expect(nftablesText(ingress({ ...direct, acceptMark: { value: 1, mask: 1 } }))).toContain(
      'ip saddr { 192.0.2.2/31, 192.0.2.8/32 } ip daddr 10.5.1.0/24 iifname "eth0" meta mark set',
    );
  });

  it('marks for Docker', () => {
    const marked = ingress({ acceptMark: { value: 0x20, mask: 0xf0 } });
    expect(iptablesText(marked)).toContain(
      '-A FLANNEL-RAW -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j MARK --set-xmark 0x20/0xf0\n',
    );
    expect(nftablesText(marked)).toContain(`
  chain premark-10.5.0.0-16 {
    type filter hook prerouting priority raw; policy accept;
    ip saddr 10.5.0.0/16 ip daddr 10.5.1.0/24 iifname "flannel.1" meta mark set meta mark & 0xffffff0f | 0x20 comment "flanneld ingress"
  }
`);
  });

  it('closes a bridge, whether or not forwarded packets are accepted', () => {
    const closed = ingress({ protect: { interface: 'flannel-br' }, forward: false });
    expect(iptablesText(closed)).toBe(`*filter
-N FLANNEL-INGRESS
-A FLANNEL-INGRESS -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j RETURN
-A FLANNEL-INGRESS -d 10.5.1.0/24 ! -i flannel-br -o flannel-br -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -m comment --comment "flanneld ingress" -j DROP
-I FORWARD -m comment --comment "flanneld ingress" -j FLANNEL-INGRESS
COMMIT
`);
    expect(nftablesText(closed)).toContain(`
  chain protect-10.5.0.0-16 {
    type filter hook forward priority filter - 1; policy accept;
    ip saddr 10.5.0.0/16 ip daddr 10.5.1.0/24 iifname "flannel.1" accept comment "flanneld ingress"
    ct state established,related accept comment "flanneld ingress"
    ct status dnat accept comment "flanneld ingress"
    ip daddr 10.5.1.0/24 iifname != "flannel-br" oifname "flannel-br" drop comment "flanneld ingress"
  }
`);
  });

  it('is off with the forward rules', () => {
    expect(iptablesText(ingress({ forward: false }), true)).toBe('');
    expect(nftablesText(ingress({ forward: false }))).not.toContain('chain');
  });
});

describe('the guard of a tunnel', () => {
  const name = guardName(parsePrefix('10.5.0.0/16'));
  const udp = { family: 4, name, port: 8285, underlay: 'eth0', onlyPeersVni: undefined } as const;

  it('drops what containers send to peers, with udp', () => {
    expect(replaceTable(udp, ['192.0.2.2', '192.0.2.3'])).toBe(`add table ip flannel-guard-10.5.0.0-16
delete table ip flannel-guard-10.5.0.0-16
table ip flannel-guard-10.5.0.0-16 {
  set peers { type ipv4_addr; elements = { 192.0.2.2, 192.0.2.3 }; }
  set other-interface { type ipv4_addr; size 256; flags dynamic,timeout; timeout 10m; }
  chain drop-other-interface {
    update @other-interface { ip saddr counter }
    counter drop
  }
  chain from-other-interface {
    ip saddr @peers fib saddr . iif oif != 0 accept comment "a peer that is reached by that interface"
    ip daddr @peers goto drop-other-interface
  }
  chain prerouting {
    type filter hook prerouting priority -350; policy accept;
    iifname != { "lo", "eth0" } udp dport 8285 goto from-other-interface
  }
}
`);
  });

  it('with vxlan, drops what others than peers send to this host, too', () => {
    const vxlan = {
      ...udp,
      family: 6,
      port: 8472,
      name: guardName(parsePrefix('fc00::/48')),
      onlyPeersVni: 7,
    } as const;
    expect(replaceTable(vxlan, [])).toBe(`add table ip6 flannel-guard-fc00__-48
delete table ip6 flannel-guard-fc00__-48
table ip6 flannel-guard-fc00__-48 {
  set peers { type ipv6_addr; }
  set other-interface { type ipv6_addr; size 256; flags dynamic,timeout; timeout 10m; }
  chain drop-other-interface {
    update @other-interface { ip6 saddr counter }
    counter drop
  }
  chain from-other-interface {
    ip6 saddr @peers fib saddr . iif oif != 0 accept comment "a peer that is reached by that interface"
    ip6 daddr @peers goto drop-other-interface
    ip6 saddr @peers goto drop-other-interface
  }
  chain prerouting {
    type filter hook prerouting priority -350; policy accept;
    iifname != { "lo", "eth0" } udp dport 8472 goto from-other-interface
  }
  set no-lease { type ipv6_addr; size 256; flags dynamic,timeout; timeout 10m; }
  chain drop-no-lease {
    update @no-lease { ip6 saddr counter }
    counter drop
  }
  chain input {
    type filter hook input priority -350; policy accept;
    iifname != "lo" udp dport 8472 @th,96,24 7 ip6 saddr != @peers goto drop-no-lease
  }
}
`);
  });

  it('changes peers one by one', () => {
    const change = { add: ['192.0.2.4', '192.0.2.5'].map(parseAddress), remove: [parseAddress('192.0.2.2')] };
    expect(changePeers(udp, change))
      .toBe(`add element ip flannel-guard-10.5.0.0-16 peers { 192.0.2.4, 192.0.2.5 }
delete element ip flannel-guard-10.5.0.0-16 peers { 192.0.2.2 }
`);
    expect(changePeers(udp, { add: [], remove: [] })).toBe('');
  });
});
