import type { Family } from '@flannel-ts/ip';
import type { Namespace } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFirewall, type Firewall, type FirewallEvent } from '../src/index.ts';
import { runInside } from './support/host.ts';
import { createOverlay, type Overlay, type OverlayHost } from './support/overlay.ts';
import { desiredRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';
import { expectNobody, seenAs, type Question } from './support/whoami.ts';

const families = [4, 6] as const;
/** What the tests change in the rules of others is not to be found by a resync between. */
const HOUR_MS = 3_600_000;

/** Who asks what, and what it is seen as. */
interface Case extends Question {
  readonly what: string;
  readonly seen: string;
}

/** Drops what is forwarded and nobody accepts, by the policy of iptables' FORWARD, as Docker does. */
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
          { ...tool.options, resyncMs: HOUR_MS },
        ),
      );
      await Promise.all(firewalls.map((firewall, index) => firewall.apply(desiredRules(index + 1))));
    });
    afterAll(async () => {
      for (const firewall of firewalls) await firewall[Symbol.asyncDispose]();
      await overlay[Symbol.asyncDispose]();
      expect(events).toEqual([]);
    });

    async function expectSeen(place: Namespace, cases: readonly Case[]): Promise<void> {
      const seen = await seenAs(place, cases);
      expect(cases.map(({ what }, index) => `${what}: ${seen[index]!}`)).toEqual(
        cases.map((row) => `${row.what}: ${row.seen}`),
      );
    }

    describe.each(families)('IPv%i', (family) => {
      it('a container is masqueraded to the outside, and keeps its address for other containers', async () => {
        await expectSeen(first.container.namespace, [
          {
            what: 'outside',
            to: overlay.outside.at[family].underlay,
            seen: first.at[family].underlay,
          },
          {
            what: 'container on another host',
            to: second.container.at[family].overlay,
            seen: first.container.at[family].overlay,
          },
        ]);
      });

      it('a host is masqueraded to remote containers, and keeps its address for its own', async () => {
        const { underlay, loopback } = first.at[family];
        const remote = second.container.at[family].overlay;
        const own = first.container.at[family].overlay;
        await expectSeen(first.namespace, [
          { what: 'remote', to: remote, seen: underlay },
          { what: 'remote, from another address', to: remote, source: loopback, seen: underlay },
          { what: 'own, from another address', to: own, source: loopback, seen: loopback },
          {
            what: 'remote, marked by kube-proxy',
            to: remote,
            source: loopback,
            mark: '0x4000',
            seen: loopback,
          },
          {
            what: 'remote, with other marks too',
            to: remote,
            source: loopback,
            mark: '0xc001',
            seen: loopback,
          },
          { what: 'remote, other marks', to: remote, source: loopback, mark: '0x8001', seen: underlay },
        ]);
      });

      it('an outside host keeps its address by way of the container’s host, and not by way of another', async () => {
        const { namespace, at } = overlay.outside;
        await expectSeen(namespace, [
          {
            what: 'the container’s host',
            to: first.container.at[family].overlay,
            seen: at[family].underlay,
          },
          { what: 'another host', to: second.container.at[family].overlay, seen: first.at[family].underlay },
        ]);
      });
    });

    it('nothing is masqueraded when that is turned off', async () => {
      await firewalls[0]!.apply(desiredRules(1, { masquerade: undefined }));
      const row = (family: Family): Case => ({
        what: `IPv${family}`,
        to: overlay.outside.at[family].underlay,
        seen: first.container.at[family].overlay,
      });
      await expectSeen(first.container.namespace, families.map(row));
    });

    it('what is forwarded from and to the overlay is accepted, and only while that is desired', async () => {
      await dropForwarded(first.namespace, tool);
      // nftables needs rules of iptables against its policy.
      await firewalls[0]!.apply(desiredRules(1));
      const questions = families.map((family) => ({ to: second.container.at[family].overlay }));
      expect(await seenAs(first.container.namespace, questions)).toEqual(
        families.map((family) => first.container.at[family].overlay),
      );
      await firewalls[0]!.apply(desiredRules(1, { forward: false }));
      await expectNobody(first.container.namespace, questions, { seconds: 2 });
    });
  });
}
