import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FirewallEvent } from '../src/index.ts';
import { listen, send } from './support/datagrams.ts';
import { createGuardedOverlay, UDP, VXLAN, type GuardedOverlay } from './support/guarded-overlay.ts';
import type { OverlayHost } from './support/overlay.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';

const families = [4, 6] as const;
/** Those of the first host's bridge. */
const SUBNETS = { 4: '10.5.1.0/24', 6: 'fc00:0:0:1::/64' } as const;

let overlay: GuardedOverlay;
let first: OverlayHost;
let second: OverlayHost;
let events: FirewallEvent[];

async function start(): Promise<void> {
  overlay = await createGuardedOverlay();
  ({ first, second, events } = overlay);
}

const end = () => overlay[Symbol.asyncDispose]();

const at = ({ namespace, at }: OverlayHost) => ({ namespace, address: at[4].underlay });

/** Docker's rule, and from which port the container sends: no two tests have a tracked connection in common. */
const masquerades = [
  { name: 'no rule', rule: undefined, fromPort: 9_001 },
  { name: 'MASQUERADE --random-fully', rule: 'MASQUERADE --random-fully', fromPort: 9_002 },
  { name: 'MASQUERADE', rule: 'MASQUERADE', fromPort: UDP },
] as const;

for (const tool of [iptablesNft, iptablesLegacy, nftables]) {
  describe.skipIf(tool.missing)(`a container that sends to a tunnel, with ${tool.name}`, () => {
    beforeAll(start);
    afterAll(end);

    describe.each(families)('IPv%i', (family) => {
      it.each(masquerades)(
        'does not reach that of a peer, and reaches all else; Docker has $name',
        async (docker) => {
          const { rule, fromPort } = docker;
          const host = { namespace: second.namespace, address: second.at[family].underlay };
          const stranger = {
            namespace: overlay.outside.namespace,
            address: overlay.outside.at[family].underlay,
          };
          await using tunnel = await listen(host, UDP);
          await using other = await listen(host, UDP + 1);
          await using elsewhere = await listen(stranger, UDP);
          const { namespace, at } = first.container;
          await using _docker = await masqueradeLikeDocker(tool, family, rule);
          const forged = { to: host.address, port: UDP, fromPort, text: 'forged' };
          await send(namespace, forged);
          const from = rule ? first.at[family].underlay : at[family].overlay;
          const port = rule?.endsWith('random-fully') ? '\\d+' : fromPort;
          expect(await tunnel.until(first.namespace)).toEqual([
            expect.stringMatching(new RegExp(`^${from} ${port} forged$`)),
          ]);

          await using firewall = overlay.createFirewall(tool.options);
          await firewall.apply(overlay.guarding({ family }, { forward: true }));
          await send(namespace, forged);
          await send(namespace, { ...forged, fromPort: 0 });
          await send(namespace, { ...forged, port: UDP + 1, text: 'other port' });
          await send(namespace, { ...forged, to: stranger.address, text: 'other host' });
          expect(await tunnel.until(first.namespace)).toEqual([]);
          expect(await other.until(first.namespace)).toEqual([expect.stringMatching(/ other port$/)]);
          expect(await elsewhere.until(first.namespace)).toEqual([expect.stringMatching(/ other host$/)]);
          await firewall.remove();
          await send(namespace, forged);
          expect(await tunnel.until(first.namespace)).toHaveLength(1);
          expect(events.filter(({ kind }) => kind !== 'refused')).toEqual([]);
        },
      );
    });

    it.each([false, true])(
      'is dropped whatever accepts it, also in fragments; tracked: %s',
      async (tracked) => {
        await using tunnel = await listen(at(second), VXLAN);
        const { namespace } = first.container;
        for (const [name, chain] of [
          ['raw', 'PREROUTING'],
          ['mangle', 'PREROUTING'],
          ['filter', 'FORWARD'],
        ] as const)
          await iptables(tool, '-t', name, '-I', chain, '-j', 'ACCEPT');
        // Without conntrack, nothing puts fragments together in time; with it, the guard sees whole datagrams.
        await using _docker = await masqueradeLikeDocker(tool, 4, tracked ? 'MASQUERADE' : undefined);
        const datagram = { to: second.at[4].underlay, port: VXLAN, fromPort: VXLAN, text: 'forged' };
        const fragmented = { ...datagram, size: 3_000 };
        await send(namespace, fragmented);
        expect(await tunnel.until(first.namespace)).toHaveLength(1);
        await using firewall = overlay.createFirewall(tool.options);
        await firewall.apply(overlay.guarding({ port: VXLAN }));
        await send(namespace, fragmented);
        await send(namespace, datagram);
        expect(await tunnel.until(first.namespace)).toEqual([]);
        await firewall.remove();
      },
    );
  });
}

async function iptables({ options }: ToolUnderTest, ...args: string[]): Promise<void> {
  await first.namespace.run(`iptables-${options.variant!}`, '-w', '5', ...args);
}

/** Adds Docker's rule for its default bridge, until disposed of. */
async function masqueradeLikeDocker(
  { options }: ToolUnderTest,
  family: 4 | 6,
  target: string | undefined,
): Promise<AsyncDisposable> {
  const program = [`${family === 4 ? 'iptables' : 'ip6tables'}-${options.variant!}`, '-w', '5', '-t', 'nat'];
  const rule = ['-s', SUBNETS[family], '!', '-o', 'docker0', '-j', ...(target ?? '').split(' ')];
  const change = (action: string) => first.namespace.run(...program, action, 'POSTROUTING', ...rule);
  if (target) await change('-A');
  return {
    async [Symbol.asyncDispose]() {
      if (target) await change('-D');
    },
  };
}
