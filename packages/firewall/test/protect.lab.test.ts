import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFirewall, type Firewall, type FirewallEvent } from '../src/index.ts';
import { runInside } from './support/host.ts';
import { createOverlay, type Overlay, type OverlayHost } from './support/overlay.ts';
import { desiredRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables } from './support/tools.ts';
import { expectNobody, seenAs } from './support/whoami.ts';

const families = [4, 6] as const;

for (const tool of [iptablesNft, iptablesLegacy, nftables]) {
  describe.skipIf(tool.missing)(`a bridge that is open to all, with ${tool.name}`, () => {
    let overlay: Overlay;
    let first: OverlayHost;
    let firewall: Firewall;
    const events: FirewallEvent[] = [];
    const protect = { interface: 'docker0' };

    beforeAll(async () => {
      overlay = await createOverlay();
      [first] = overlay.hosts;
      const run = runInside(first.namespace);
      firewall = createFirewall({ run, onEvent: (event) => events.push(event) }, tool.options);
    });
    afterAll(async () => {
      await firewall[Symbol.asyncDispose]();
      await overlay[Symbol.asyncDispose]();
      expect(events).toEqual([]);
    });

    const container = () => families.map((family) => ({ to: first.container.at[family].overlay }));

    it.each([true, false])(
      'is open to the overlay and closed to others, with forward: %s',
      async (forward) => {
        const [, { container: remote }] = overlay.hosts;
        await firewall.apply(desiredRules(1, { masquerade: undefined, forward }));
        const outside = families.map((family) => overlay.outside.at[family].underlay);
        expect(await seenAs(overlay.outside.namespace, container())).toEqual(outside);
        await firewall.apply(desiredRules(1, { masquerade: undefined, forward, protect }));
        await expectNobody(overlay.outside.namespace, container());
        expect(await seenAs(remote.namespace, container())).toEqual(
          families.map((family) => remote.at[family].overlay),
        );
        // What it asked for comes back.
        expect(
          await seenAs(
            first.container.namespace,
            outside.map((to) => ({ to })),
          ),
        ).toEqual(families.map((family) => first.container.at[family].overlay));
      },
    );

    it('is closed to others before there is an overlay, and open again without the bridge', async () => {
      await firewall.apply({ overlays: [], forward: false, protect });
      await expectNobody(overlay.outside.namespace, container());
      const outside = families.map((family) => overlay.outside.at[family].underlay);
      const requests = outside.map((to) => ({ to }));
      expect(await seenAs(first.container.namespace, requests)).toEqual(
        families.map((family) => first.container.at[family].overlay),
      );
      await firewall.apply({ overlays: [], forward: false });
      expect(await seenAs(overlay.outside.namespace, container())).toEqual(outside);
    });

    it('has its published ports open to all', async () => {
      const [ipv4] = families;
      const { underlay } = first.at[ipv4];
      const to = `${first.container.at[ipv4].overlay}:7777`;
      const variant = tool.options.variant!;
      await first.namespace.run(
        ...[`iptables-${variant}`, '-w', '5', '-t', 'nat', '-A', 'PREROUTING', '-d', underlay],
        ...['-p', 'tcp', '--dport', '7777', '-j', 'DNAT', '--to-destination', to],
      );
      await firewall.apply(desiredRules(1, { masquerade: undefined, protect }));
      expect(await seenAs(overlay.outside.namespace, [{ to: underlay }])).toEqual([
        overlay.outside.at[ipv4].underlay,
      ]);
    });
  });
}
