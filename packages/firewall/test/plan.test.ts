import { expect, it } from 'vitest';
import { compareChain, restoreTable } from '../src/iptables/compare.ts';
import { planChains as planIptables } from '../src/iptables/plan.ts';
import { parseSavedTable } from '../src/iptables/saved-table.ts';
import { planChains as planNftables, replaceTable } from '../src/nftables/plan.ts';
import type { FamilyRules } from '../src/wanted-rules.ts';
import { familyRules } from './support/rules.ts';

/** What iptables-restore is given when there is nothing of ours yet. */
function iptablesText(rules: FamilyRules): string {
  const nothing = parseSavedTable('');
  return planIptables(rules)
    .map((plan) => ({ plan, lines: compareChain(plan, nothing).lines }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ plan, lines }) => restoreTable(plan.table, lines))
    .join('');
}

function nftablesText(rules: FamilyRules): string {
  return replaceTable(rules.family, planNftables(rules));
}

it('IPv4 by iptables', () => {
  expect(iptablesText(familyRules(4))).toBe(`*nat
:FLANNEL-POSTRTG - [0:0]
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
*filter
:FLANNEL-FWD - [0:0]
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
COMMIT
`);
});

it('IPv6 by iptables', () => {
  expect(iptablesText(familyRules(6))).toBe(`*nat
:FLANNEL-POSTRTG - [0:0]
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s fc00:0:0:1::/64 -d fc00::/48 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s fc00::/48 -d fc00:0:0:1::/64 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s fc00::/48 -d fc00:0:0:1::/64 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s fc00::/48 ! -d ff00::/8 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s fc00::/48 -d fc00::/48 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
*filter
:FLANNEL-FWD - [0:0]
-A FLANNEL-FWD -s fc00::/48 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d fc00::/48 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
COMMIT
`);
});

it('IPv4 by nftables', () => {
  expect(nftablesText(familyRules(4))).toBe(`add table ip flannel-ipv4
delete table ip flannel-ipv4
table ip flannel-ipv4 {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip saddr 10.5.0.0/16 accept comment "flanneld forward"
    ip daddr 10.5.0.0/16 accept comment "flanneld forward"
  }
  chain postrtg {
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
  expect(nftablesText(familyRules(6))).toBe(`add table ip6 flannel-ipv6
delete table ip6 flannel-ipv6
table ip6 flannel-ipv6 {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip6 saddr fc00::/48 accept comment "flanneld forward"
    ip6 daddr fc00::/48 accept comment "flanneld forward"
  }
  chain postrtg {
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

it('leaves out what is not wanted', () => {
  const withoutForward = familyRules(4, { forward: false, masquerade: { fullyRandom: false } });
  expect(iptablesText(withoutForward)).toMatch(/^\*nat\n[^*]*$/);
  expect(iptablesText(withoutForward)).not.toContain('random');
  expect(nftablesText(withoutForward)).not.toMatch(/forward|random/);
  const withoutMasquerade = familyRules(4, { masquerade: undefined });
  expect(iptablesText(withoutMasquerade)).toMatch(/^\*filter\n[^*]*$/);
  expect(nftablesText(withoutMasquerade)).not.toMatch(/postrtg|masq/);
  expect(iptablesText(familyRules(4, { overlays: [] }))).toBe('');
});
