import type { Namespace } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFirewall, type Firewall, type FirewallEvent } from '../src/index.ts';
import { runInside } from './support/host.ts';
import { createOverlay, type Overlay, type OverlayHost } from './support/overlay.ts';
import { wantedRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';
import { seenAs } from './support/whoami.ts';

const families = [4, 6] as const;

/** Drops what is forwarded and nobody accepts, as Docker does: by a policy that the tool under test can see. */
async function dropForwarded(host: Namespace, { options }: ToolUnderTest): Promise<void> {
  for (const program of ['iptables', 'ip6tables']) {
    await host.run(`${program}-${options.variant!}`, '-w', '5', '-P', 'FORWARD', 'DROP');
  }
}

for (const tool of [iptablesNft, iptablesLegacy, nftables]) {
  describe.skipIf(tool.missing)(`packets with ${tool.name}`, () => {
    let overlay: Overlay;
    let first: OverlayHost;
    let second: OverlayHost;
    let firewalls: readonly Firewall[];
    const events: FirewallEvent[] = [];

    beforeAll(async () => {
      overlay = await createOverlay();
      [first, second] = overlay.hosts;
      firewalls = overlay.hosts.map(({ namespace }) =>
        createFirewall(
          { run: runInside(namespace), onEvent: (event) => events.push(event) },
          { ...tool.options, resyncMs: 200 },
        ),
      );
      await Promise.all(firewalls.map((firewall, index) => firewall.apply(wantedRules(index + 1))));
    });
    afterAll(async () => {
      for (const firewall of firewalls) await firewall[Symbol.asyncDispose]();
      await overlay[Symbol.asyncDispose]();
      expect(events).toEqual([]);
    });

    describe.each(families)('IPv%i', (family) => {
      it('masquerades a container to the outside', async () => {
        const seen = await seenAs(first.container.namespace, overlay.outside.at[family].underlay);
        expect(seen).toBe(first.at[family].underlay);
      });

      it('keeps a container’s address for containers on another host', async () => {
        const seen = await seenAs(first.container.namespace, second.container.at[family].overlay);
        expect(seen).toBe(first.container.at[family].overlay);
      });

      it('masquerades the host to remote containers, whatever address it sends from', async () => {
        const to = second.container.at[family].overlay;
        const { underlay, loopback } = first.at[family];
        expect(await seenAs(first.namespace, to)).toBe(underlay);
        expect(await seenAs(first.namespace, to, { source: loopback })).toBe(underlay);
      });

      it('keeps the host’s address for its own containers', async () => {
        const source = first.at[family].loopback;
        const seen = await seenAs(first.namespace, first.container.at[family].overlay, { source });
        expect(seen).toBe(source);
      });

      it('keeps the address of an outside host that is routed to the container’s host', async () => {
        const { namespace, at } = overlay.outside;
        expect(await seenAs(namespace, first.container.at[family].overlay)).toBe(at[family].underlay);
      });

      it('masquerades an outside host that is routed to another host', async () => {
        const seen = await seenAs(overlay.outside.namespace, second.container.at[family].overlay);
        expect(seen).toBe(first.at[family].underlay);
      });

      it('leaves alone what kube-proxy marked, among other marks', async () => {
        const source = first.at[family].loopback;
        const to = second.container.at[family].overlay;
        expect(await seenAs(first.namespace, to, { source, mark: '0x4000' })).toBe(source);
        expect(await seenAs(first.namespace, to, { source, mark: '0xc001' })).toBe(source);
        expect(await seenAs(first.namespace, to, { source, mark: '0x8000' })).toBe(first.at[family].underlay);
      });
    });

    it('masquerades no more when it is turned off', async () => {
      await firewalls[0]!.apply(wantedRules(1, { masquerade: undefined }));
      for (const family of families) {
        const seen = await seenAs(first.container.namespace, overlay.outside.at[family].underlay);
        expect(seen).toBe(first.container.at[family].overlay);
      }
      await firewalls[0]!.apply(wantedRules(1));
    });

    it(
      tool === nftables
        ? 'cannot accept what the policy of another table drops'
        : 'accepts what is forwarded from and to the overlay, and only while that is wanted',
      async () => {
        await dropForwarded(first.namespace, tool);
        const ask = (family: 4 | 6) =>
          seenAs(first.container.namespace, second.container.at[family].overlay, { seconds: 1 }).catch(
            () => 'nobody',
          );
        const answers = async () => Promise.all(families.map(ask));
        const addresses = families.map((family) => first.container.at[family].overlay);
        expect(await answers()).toEqual(tool === nftables ? ['nobody', 'nobody'] : addresses);
        await firewalls[0]!.apply(wantedRules(1, { forward: false }));
        expect(await answers()).toEqual(['nobody', 'nobody']);
      },
    );
  });
}
