import { parseAddress } from '@flannel-ts/ip';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFirewall, type FirewallEvent } from '../src/index.ts';
import { watchNetfilter } from '../src/watch-netfilter.ts';
import { createGuardedOverlay, type GuardedOverlay } from './support/guarded-overlay.ts';
import { openPortInside, runInside } from './support/host.ts';
import type { OverlayHost } from './support/overlay.ts';
import { desiredRules } from './support/rules.ts';
import { nftables } from './support/tools.ts';

const HOUR_MS = 3_600_000;
const NAME = ['ip', 'flannel-guard-10.5.0.0-16'] as const;

let overlay: GuardedOverlay;
let first: OverlayHost;
let second: OverlayHost;
let events: FirewallEvent[];

async function start(): Promise<void> {
  overlay = await createGuardedOverlay();
  ({ first, second, events } = overlay);
}

const end = () => overlay[Symbol.asyncDispose]();

async function table(): Promise<string> {
  return first.namespace.run('nft', '-a', 'list', 'table', ...NAME);
}

describe.skipIf(nftables.missing)('the table', () => {
  beforeEach(start);
  afterEach(end);

  const added = [parseAddress('192.0.2.7')];

  it('is not made again for a change of the peers, nor when the same is desired again', async () => {
    const firewall = overlay.createFirewall({ tool: 'iptables', resyncMs: 20 });
    await firewall.apply(overlay.guarding());
    const handles = async () => (await table()).match(/# handle \d+/g);
    const before = await handles();
    await Promise.all([
      firewall.updatePeers({ add: added, remove: [] }),
      firewall.updatePeers({ add: [], remove: added }),
      firewall.updatePeers({ add: added, remove: [] }),
    ]);
    expect(await table()).toContain('192.0.2.7');
    await firewall.apply(overlay.guarding({ peers: [parseAddress(second.at[4].underlay), ...added] }));
    expect(await handles()).toEqual(before);
    expect(events).toEqual([]);
  });

  it('costs one short command for each change, however many peers there are', async () => {
    const commands: { readonly words: string; readonly bytes: number }[] = [];
    const inside = runInside(first.namespace);
    await using firewall = createFirewall(
      {
        run(command, options) {
          commands.push({ words: command.join(' '), bytes: options.input?.length ?? 0 });
          return inside(command, options);
        },
      },
      { tool: 'iptables', resyncMs: HOUR_MS },
    );
    const peers = Array.from({ length: 5_000 }, (_, number) =>
      parseAddress(`198.18.${number >> 8}.${number & 255}`),
    );
    await firewall.apply(overlay.guarding({ peers }));
    commands.length = 0;
    for (const address of added) {
      await firewall.updatePeers({ add: [address], remove: [] });
      await firewall.updatePeers({ add: [], remove: [address] });
    }
    expect(commands.map(({ words }) => words)).toEqual(['nft -f -', 'nft -f -']);
    for (const { bytes } of commands) expect(bytes).toBeLessThan(100);
    await firewall.apply(overlay.guarding({ peers }));
    expect(commands.filter(({ words }) => words === 'nft -f -')).toHaveLength(2);
  });

  it('is not compared for a change of its peers, which netfilter reports as well', async () => {
    const firewall = overlay.createFirewall({ tool: 'iptables', resyncMs: HOUR_MS });
    await firewall.apply(overlay.guarding());
    const reports: string[] = [];
    let change = 'the peers';
    const reported = Promise.withResolvers<void>();
    using _watch = watchNetfilter(openPortInside(first.namespace), () => {
      reports.push(change);
      reported.resolve();
    });
    await firewall.updatePeers({ add: added, remove: [] });
    await first.namespace.run('nft', 'add', 'element', ...NAME, 'peers', '{ 192.0.2.66 }');
    change = 'a chain';
    await first.namespace.run('nft', 'add', 'chain', ...NAME, 'another');
    await reported.promise;
    expect(new Set(reports)).toEqual(new Set(['a chain']));
  });

  it.each([
    // Reports of netfilter bring these about, and the resync those of elements.
    {
      resyncMs: HOUR_MS,
      changes: [
        ['flush', 'chain', ...NAME, 'prerouting'],
        ['delete', 'table', ...NAME],
      ],
    },
    {
      resyncMs: 50,
      changes: [
        ['flush', 'set', ...NAME, 'peers'],
        ['add', 'element', ...NAME, 'peers', '{ 192.0.2.66 }'],
      ],
    },
  ])(
    'is repaired when its rules, its peers or all of it are gone, and reported',
    async ({ resyncMs, changes }) => {
      const firewall = overlay.createFirewall({ tool: 'iptables', resyncMs });
      await firewall.apply(overlay.guarding());
      const before = (await table()).replaceAll(/ # handle \d+/g, '');
      for (const change of changes) {
        events.length = 0;
        await first.namespace.run('nft', ...change);
        await expect.poll(() => events).toMatchObject([{ kind: 'repaired', problems: [{ table: NAME[1] }] }]);
        expect((await table()).replaceAll(/ # handle \d+/g, '')).toBe(before);
      }
    },
  );

  it('goes with the tunnel, with its network, and when an earlier run left it; others stay', async () => {
    const tables = async () =>
      [...(await first.namespace.run('nft', 'list', 'tables')).matchAll(/flannel-guard\S+/g)].join(' ');
    const ours = 'flannel-guard-10.5.0.0-16';
    const others = 'flannel-guard-10.6.0.0-16';
    await first.namespace.run('nft', 'add', 'table', 'ip', others);
    const firewall = overlay.createFirewall({ tool: 'nftables' });
    await firewall.apply(overlay.guarding());
    expect(await tables()).toBe(`${others} ${ours}`);
    await firewall.apply(desiredRules(1));
    expect(await tables()).toBe(others);
    await firewall.apply(overlay.guarding());
    await firewall[Symbol.asyncDispose]();
    const next = overlay.createFirewall({ tool: 'iptables' });
    await next.apply(desiredRules(1));
    expect(await tables()).toBe(others);
    await next.apply(overlay.guarding());
    await next.remove(desiredRules(1).overlays);
    expect(await tables()).toBe(others);
    await next.remove();
    expect(await tables()).toBe('');
    await next.apply(overlay.guarding());
    await next[Symbol.asyncDispose]();
    const former = desiredRules(1).overlays.map(({ network }) => network);
    const last = overlay.createFirewall({ tool: 'iptables', former });
    await last.apply({ overlays: [], forward: false });
    expect(await tables()).toBe('');
  });
});
