import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FirewallEvent } from '../src/index.ts';
import { createFirewallHost, type FirewallHost } from './support/host.ts';
import { desiredRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';

const RESYNC_MS = 20;

/** What another program does to the rules, as a shell script, and what the firewall reports. */
type Drift = readonly [script: string, family: 4 | 6, table: string, what: readonly string[]];

const masquerade = '-m comment --comment "flanneld masq"';
const mark = `-m mark --mark 0x4000/0x4000 ${masquerade} -j RETURN`;
const ingress = '-m comment --comment "flanneld ingress"';
const jump = `${masquerade} -j FLANNEL-POSTRTG`;

const iptablesDrifts = (variant: string): Drift[] => {
  const [ipv4, ipv6] = [`iptables-${variant} -w 5`, `ip6tables-${variant} -w 5`];
  /** Several changes at once, so that no resync comes in between. */
  const atOnce = (table: string, ...lines: string[]) =>
    `printf '%s\\n' '*${table}' ${lines.map((line) => `'${line}'`).join(' ')} COMMIT | iptables-${variant}-restore -w 5 -n`;
  return [
    [`${ipv4} -t nat -D FLANNEL-POSTRTG 1`, 4, 'nat', [`FLANNEL-POSTRTG lacks the rule ${mark}`]],
    [`${ipv6} -t nat -D FLANNEL-POSTRTG 1`, 6, 'nat', [`FLANNEL-POSTRTG lacks the rule ${mark}`]],
    [`${ipv4} -t nat -A FLANNEL-POSTRTG ${mark}`, 4, 'nat', [`FLANNEL-POSTRTG has twice the rule ${mark}`]],
    [
      `${ipv4} -t nat -I FLANNEL-POSTRTG -s 10.5.1.9 -j ACCEPT`,
      4,
      'nat',
      ['FLANNEL-POSTRTG has the unwanted rule -s 10.5.1.9/32 -j ACCEPT'],
    ],
    [
      atOnce('nat', '-D FLANNEL-POSTRTG 1', `-A FLANNEL-POSTRTG ${mark}`),
      4,
      'nat',
      ['FLANNEL-POSTRTG has its rules in another order'],
    ],
    [`${ipv4} -t nat -D POSTROUTING ${jump}`, 4, 'nat', ['POSTROUTING lacks the jump to FLANNEL-POSTRTG']],
    [`${ipv4} -t nat -I POSTROUTING ${jump}`, 4, 'nat', [`POSTROUTING has one jump too many: ${jump}`]],
    [
      `${ipv6} -F FLANNEL-FWD`,
      6,
      'filter',
      [
        'FLANNEL-FWD lacks the rule -s fc00::/48 -m comment --comment "flanneld forward" -j ACCEPT',
        'FLANNEL-FWD lacks the rule -d fc00::/48 -m comment --comment "flanneld forward" -j ACCEPT',
      ],
    ],
    [
      atOnce('filter', '-F FORWARD', '-F FLANNEL-FWD', '-X FLANNEL-FWD'),
      4,
      'filter',
      [
        'FLANNEL-FWD is missing',
        'FORWARD lacks the jump to FLANNEL-FWD',
        'FORWARD does not begin with the jump to FLANNEL-INGRESS',
      ],
    ],
    [
      `${ipv4} -t raw -A PREROUTING ${ingress} -j FLANNEL-RAW`,
      4,
      'raw',
      [`PREROUTING has one jump too many: ${ingress} -j FLANNEL-RAW`],
    ],
    [
      `${ipv6} -F FLANNEL-INGRESS`,
      6,
      'filter',
      [`FLANNEL-INGRESS lacks the rule -s fc00::/48 -d fc00:0:0:1::/64 -i eth0 ${ingress} -j ACCEPT`],
    ],
    [
      atOnce('nat', '-F', '-X'),
      4,
      'nat',
      ['FLANNEL-POSTRTG is missing', 'POSTROUTING lacks the jump to FLANNEL-POSTRTG'],
    ],
  ];
};

/** Handles of the rules in a chain, one a line. */
const handles = (chain: string) => `nft -a list chain ${chain} | sed -n 's/.*# handle \\([0-9]*\\)$/\\1/p'`;
const otherRules = 'has other rules, or its rules in another order';

/** Chains of the networks 10.5.0.0/16 and fc00::/48. */
const [forward, postrtg] = ['forward-10.5.0.0-16', 'postrtg-10.5.0.0-16'];
const [forwardIPv6, postrtgIPv6] = ['forward-fc00__-48', 'postrtg-fc00__-48'];

const nftablesDrifts: Drift[] = [
  [
    `nft delete rule ip flannel-ipv4 ${postrtg} handle $(${handles(`ip flannel-ipv4 ${postrtg}`)} | sed -n 2p)`,
    4,
    'flannel-ipv4',
    [`chain ${postrtg} ${otherRules}`],
  ],
  [
    `nft add rule ip6 flannel-ipv6 ${forwardIPv6} ip6 saddr fc00::/48 accept comment \\"flanneld forward\\"`,
    6,
    'flannel-ipv6',
    [`chain ${forwardIPv6} ${otherRules}`],
  ],
  [
    `nft "delete rule ip flannel-ipv4 ${forward} handle $(${handles(`ip flannel-ipv4 ${forward}`)} | sed -n 2p); add rule ip flannel-ipv4 ${forward} ip saddr 10.5.0.0/16 accept comment \\"flanneld forward\\""`,
    4,
    'flannel-ipv4',
    [`chain ${forward} ${otherRules}`],
  ],
  [`nft flush chain ip flannel-ipv4 ${postrtg}`, 4, 'flannel-ipv4', [`chain ${postrtg} ${otherRules}`]],
  [
    `nft "flush chain ip flannel-ipv4 ${forward}; delete chain ip flannel-ipv4 ${forward}"`,
    4,
    'flannel-ipv4',
    [`chain ${forward} is missing`],
  ],
  [
    `nft "flush chain ip flannel-ipv4 ${forward}; delete chain ip flannel-ipv4 ${forward}; add chain ip flannel-ipv4 ${forward} { type filter hook forward priority 9; }"`,
    4,
    'flannel-ipv4',
    [`chain ${forward} has other properties`],
  ],
  [
    'nft "add chain ip flannel-ipv4 protect-10.5.0.0-16"',
    4,
    'flannel-ipv4',
    ['chain protect-10.5.0.0-16 is unwanted'],
  ],
  [
    'nft delete table ip6 flannel-ipv6',
    6,
    'flannel-ipv6',
    [`chain ${forwardIPv6} is missing`, `chain ${postrtgIPv6} is missing`],
  ],
];

const cases: [ToolUnderTest, Drift[]][] = [
  [iptablesNft, iptablesDrifts('nft')],
  [iptablesLegacy, iptablesDrifts('legacy')],
  [nftables, nftablesDrifts],
];

for (const [tool, drifts] of cases) {
  describe.skipIf(tool.missing)(tool.name, () => {
    let host: FirewallHost;
    let desired: string;

    beforeAll(async () => {
      host = await createFirewallHost({ ...tool.options, resyncMs: RESYNC_MS });
      await host.firewall.apply(desiredRules(1));
      desired = await tool.dump(host.namespace);
    });
    afterAll(() => host[Symbol.asyncDispose]());

    it.each(drifts)('repairs after %s', async (script, family, table, what) => {
      const repaired = host.nextEvent();
      await host.namespace.run('sh', '-ec', script);
      expect(await repaired).toMatchObject({
        kind: 'repaired',
        problems: what.map((problem) => ({ family, table, what: problem })),
      } satisfies FirewallEvent);
      expect(await tool.dump(host.namespace)).toBe(desired);
    });

    it('repairs again and again, and reports nothing else', async () => {
      expect(host.events.map(({ kind }) => kind)).toEqual(drifts.map(() => 'repaired'));
    });
  });
}

for (const tool of [iptablesNft, iptablesLegacy]) {
  it.skipIf(tool.missing)(
    `reports once that another program keeps removing a rule of ${tool.name}`,
    async () => {
      await using host = await createFirewallHost({ ...tool.options, resyncMs: RESYNC_MS });
      await host.firewall.apply(desiredRules(1));
      const remove = `iptables-${tool.options.variant!} -w 5 -D FLANNEL-FWD 1 2> /dev/null || sleep 0.02`;
      host.namespace.start(['sh', '-c', `while :; do ${remove}; done`]);
      await expect.poll(() => host.events.at(-1)?.kind, { timeout: 30_000 }).toBe('obstacles');
      expect(host.events.at(-1)).toMatchObject({
        obstacles: [
          { message: expect.stringMatching(/^another program .*FLANNEL-FWD lacks the rule/) as unknown },
        ],
      });
      expect(host.events.slice(0, -1).map(({ kind }) => kind)).toEqual(Array(10).fill('repaired'));
    },
  );
}
