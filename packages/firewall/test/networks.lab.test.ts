import { parsePrefix } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import { createFirewall, type Overlay, type DesiredRules } from '../src/index.ts';
import { createFirewallHost, runInside } from './support/host.ts';
import { iptablesLegacy, iptablesNft, nftables } from './support/tools.ts';

const overlayOf = (network: string, subnet: string, name: string): Overlay => ({
  network: parsePrefix(network),
  subnet: parsePrefix(subnet),
  interfaces: [name],
});
const one = overlayOf('10.5.0.0/16', '10.5.1.0/24', 'flannel.1');
const two = overlayOf('10.6.0.0/16', '10.6.1.0/24', 'flannel.2');
const rulesFor = (...overlays: Overlay[]): DesiredRules => ({
  overlays,
  masquerade: { fullyRandom: true },
  forward: true,
  underlay: 'eth0',
});

for (const tool of [iptablesNft, iptablesLegacy]) {
  describe.skipIf(tool.missing)(`two networks on one host, with ${tool.name}`, () => {
    it('have their rules in the same chains, and neither touches the other’s', async () => {
      await using host = await createFirewallHost({ ...tool.options, resyncMs: 20 });
      const { namespace } = host;
      const ours = (dump: string, network: string) =>
        dump.split('\n').filter((line) => line.includes(`${network}.`));
      await host.firewall.apply(rulesFor(one));
      const alone = await tool.dump(namespace);
      await using other = createFirewall({ run: runInside(namespace) }, tool.options);
      await other.apply(rulesFor(two));
      const both = await tool.dump(namespace);
      expect(ours(both, '10.5')).toEqual(ours(alone, '10.5'));
      expect(ours(both, '10.6')).toEqual(
        ours(alone, '10.5').map((line) =>
          line.replaceAll('10.5.', '10.6.').replace('flannel.1', 'flannel.2'),
        ),
      );
      expect(both.match(/--mark 0x4000\/0x4000/g)).toHaveLength(1);

      const repaired = host.nextEvent();
      const accept = ['-m', 'comment', '--comment', 'flanneld forward', '-j', 'ACCEPT'];
      const iptables = [`iptables-${tool.options.variant!}`, '-w', '5'];
      await namespace.run(...iptables, '-D', 'FLANNEL-FWD', '-s', '10.5.0.0/16', ...accept);
      await repaired;
      expect(ours(await tool.dump(namespace), '10.6')).toEqual(ours(both, '10.6'));

      await other.remove([two]);
      expect(await tool.dump(namespace)).toBe(alone);
      expect(host.events.map(({ kind }) => kind)).toEqual(['repaired']);
    });

    it('goes with the last of them, or when all are removed', async () => {
      await using host = await createFirewallHost(tool.options);
      const { namespace } = host;
      for (const networks of [[one], undefined] as const) {
        await host.firewall.apply(rulesFor(one));
        await host.firewall.remove(networks);
        expect(await tool.dump(namespace)).not.toMatch(/FLANNEL|flanneld/);
      }
    });

    it('leaves no rule of a network that an earlier run served', async () => {
      await using host = await createFirewallHost(tool.options);
      await host.firewall.apply(rulesFor(one));
      await host.firewall[Symbol.asyncDispose]();
      await using next = createFirewall(
        { run: runInside(host.namespace) },
        { ...tool.options, former: [one.network] },
      );
      await next.apply(rulesFor(two));
      expect(await tool.dump(host.namespace)).not.toContain('10.5.');
    });
  });
}

it.skipIf(iptablesNft.missing)(
  'a repair leaves the other network’s rules in the kernel as they are',
  async () => {
    await using host = await createFirewallHost({ ...iptablesNft.options, resyncMs: 20 });
    const { namespace } = host;
    await host.firewall.apply(rulesFor(one));
    await using other = createFirewall({ run: runInside(namespace) }, iptablesNft.options);
    await other.apply(rulesFor(two));
    /** A rule that was made again has another handle. */
    const handles = async () =>
      (await namespace.run('nft', '-a', 'list', 'ruleset'))
        .split('\n')
        .filter((line) => line.includes('10.6.'))
        .map((line) => /# handle \d+$/.exec(line)?.[0]);
    const before = await handles();
    const accept = ['-m', 'comment', '--comment', 'flanneld forward', '-j', 'ACCEPT'];
    const repaired = host.nextEvent();
    await namespace.run('iptables-nft', '-D', 'FLANNEL-FWD', '-s', '10.5.0.0/16', ...accept);
    await repaired;
    expect(before).not.toEqual([]);
    expect(await handles()).toEqual(before);
  },
);

it.skipIf(iptablesNft.missing ?? iptablesLegacy.missing ?? nftables.missing)(
  'rules of every tool and variant are removed, whichever is chosen',
  async () => {
    for (const { options } of [iptablesNft, iptablesLegacy, nftables]) {
      await using host = await createFirewallHost(options);
      await host.firewall.apply(rulesFor(one));
      await using cleaner = createFirewall({ run: runInside(host.namespace) }, { tool: 'iptables' });
      await cleaner.remove([two]);
      const dumps = () =>
        Promise.all([iptablesNft, iptablesLegacy, nftables].map((tool) => tool.dump(host.namespace)));
      expect((await dumps()).join('')).toContain('10.5.1.0/24');
      await cleaner.remove([one]);
      expect((await dumps()).join('')).not.toMatch(/flannel/i);
    }
  },
);
