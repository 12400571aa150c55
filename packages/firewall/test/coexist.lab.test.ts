import { parsePrefix } from '@flannel-ts/ip';
import type { Namespace } from '@flannel-ts/lab';
import { afterEach, describe, expect, it } from 'vitest';
import { createFirewall, type DesiredRules, type Firewall, type FirewallEvent } from '../src/index.ts';
import { openPortInside, runInside } from './support/host.ts';
import { createOverlay, type Overlay } from './support/overlay.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';
import { createUpstreamRules, upstreamNftables } from './support/upstream.ts';
import { seenAs } from './support/whoami.ts';

const RESYNC_MS = 100;
/** Resync periods without a repair after which two daemons have settled. */
const QUIET_COMPARES = 4;

/** The daemon of one network on the first host. */
interface Daemon {
  readonly firewall: Firewall;
  readonly rules: DesiredRules;
  readonly events: FirewallEvent[];
  /** Resolves when the kernel was compared so many times more. */
  compared(times: number): Promise<void>;
}

let overlay: Overlay;
let daemons: AsyncDisposableStack;
afterEach(async () => {
  await daemons.disposeAsync();
  await overlay[Symbol.asyncDispose]();
});

/** Two hosts with containers of two networks, 10.5.0.0/16 and 10.6.0.0/16. */
async function createHosts(): Promise<void> {
  daemons = new AsyncDisposableStack();
  overlay = await createOverlay();
  for (const [index, { namespace, container }] of overlay.hosts.entries()) {
    const peer = 2 - index;
    await namespace.run('ip', 'address', 'add', `10.6.${index + 1}.1/24`, 'dev', 'docker0');
    const via = overlay.hosts[peer - 1]!.at[4].underlay;
    await namespace.run('ip', 'route', 'add', `10.6.${peer}.0/24`, 'via', via);
    await container.namespace.run('ip', 'address', 'add', `10.6.${index + 1}.2/24`, 'dev', 'eth0');
  }
}

/** Drops what no daemon accepts. What one variant of iptables drops, rules of the other cannot accept. */
async function dropForwarded(host: Namespace, tools: readonly ToolUnderTest[]): Promise<void> {
  const [variant, ...others] = new Set(tools.map(({ options }) => options.variant!));
  if (others.length === 0) await host.run(`iptables-${variant!}`, '-w', '5', '-P', 'FORWARD', 'DROP');
}

/** The daemon of the network 10.NUMBER.0.0/16, which has not applied its rules yet. */
function createDaemon({ options }: ToolUnderTest, number: number): Daemon {
  const { namespace } = overlay.hosts[0];
  const events: FirewallEvent[] = [];
  const inside = runInside(namespace);
  let compares = 0;
  let next = Promise.withResolvers<void>();
  const firewall = createFirewall(
    {
      onEvent: (event) => events.push(event),
      openPort: openPortInside(namespace),
      async run(command, runOptions) {
        const outcome = await inside(command, runOptions);
        const reads = command[0]!.endsWith('-save') || command.includes('-j');
        if (reads && !command[0]!.startsWith('ip6')) {
          compares++;
          next.resolve();
          next = Promise.withResolvers();
        }
        return outcome;
      },
    },
    { ...options, resyncMs: RESYNC_MS },
  );
  return {
    firewall: daemons.use(firewall),
    rules: {
      overlays: [
        {
          network: parsePrefix(`10.${number}.0.0/16`),
          subnet: parsePrefix(`10.${number}.1.0/24`),
          interfaces: ['eth0'],
        },
      ],
      masquerade: { fullyRandom: true },
      forward: true,
      underlay: 'eth0',
    },
    events,
    async compared(times) {
      for (const end = compares + times; compares < end;) await next.promise;
    },
  };
}

/** Expects that none repairs anything over several resync periods, from the latest repair on. */
async function expectSettled(...settling: readonly Daemon[]): Promise<void> {
  const count = () => settling.reduce((sum, { events }) => sum + events.length, 0);
  await expect
    .poll(
      async () => {
        const before = count();
        await Promise.all(settling.map((daemon) => daemon.compared(QUIET_COMPARES)));
        return count() - before;
      },
      { timeout: 20_000 },
    )
    .toBe(0);
}

/** Containers of this network reach the outside masqueraded, and other hosts' containers by their own address. */
async function expectPackets(number: number): Promise<void> {
  const { hosts, outside } = overlay;
  const source = `10.${number}.1.2`;
  const targets = [outside.at[4].underlay, `10.${number}.2.2`];
  const seen = await seenAs(
    hosts[0].container.namespace,
    targets.map((to) => ({ to, source })),
  );
  expect(seen).toEqual([hosts[0].at[4].underlay, source]);
}

/** Rules of this network's daemon. */
const linesOf = (dump: string, number: number) =>
  dump.split('\n').filter((line) => line.includes(`10.${number}.`) && line.includes('flanneld'));

const pairs: readonly (readonly [ToolUnderTest, ToolUnderTest])[] = [
  [iptablesNft, iptablesNft],
  [iptablesLegacy, iptablesLegacy],
  [iptablesNft, iptablesLegacy],
  [nftables, nftables],
  [iptablesNft, nftables],
  [iptablesLegacy, nftables],
];

for (const [one, other] of pairs) {
  describe.skipIf(one.missing ?? other.missing)(`two daemons, by ${one.name} and by ${other.name}`, () => {
    it('repair nothing of each other, and packets of both networks pass', async () => {
      await createHosts();
      const { namespace } = overlay.hosts[0];
      await dropForwarded(namespace, [one, other]);
      const [first, second] = [createDaemon(one, 5), createDaemon(other, 6)];
      await first.firewall.apply(first.rules);
      const alone = linesOf(await one.dump(namespace), 5);
      await second.firewall.apply(second.rules);
      await Promise.all([first.compared(QUIET_COMPARES), second.compared(QUIET_COMPARES)]);
      expect(linesOf(await one.dump(namespace), 5)).toEqual(alone);
      expect([...first.events, ...second.events]).toEqual([]);
      for (const number of [5, 6]) await expectPackets(number);
    });

    it('that start at the same time settle, and one that goes leaves the other’s rules', async () => {
      await createHosts();
      const { namespace } = overlay.hosts[0];
      await dropForwarded(namespace, [one, other]);
      const [first, second] = [createDaemon(one, 5), createDaemon(other, 6)];
      await Promise.all([first.firewall.apply(first.rules), second.firewall.apply(second.rules)]);
      await expectSettled(first, second);
      for (const number of [5, 6]) await expectPackets(number);
      const before = first.events.length;
      await second.firewall.remove(second.rules.overlays);
      await first.compared(QUIET_COMPARES);
      expect(first.events.length).toBe(before);
      expect(linesOf(await other.dump(namespace), 6)).toEqual([]);
      await expectPackets(5);
    });
  });
}

for (const tool of [iptablesNft, iptablesLegacy, nftables]) {
  describe.skipIf(tool.missing)(`a daemon that has no lease yet, by ${tool.name}`, () => {
    it('keeps its bridge closed beside another that has one', async () => {
      await createHosts();
      const { namespace } = overlay.hosts[0];
      const [first, second] = [createDaemon(tool, 5), createDaemon(tool, 6)];
      await second.firewall.apply({ overlays: [], forward: false, protect: { interface: 'six-br' } });
      const closed = () =>
        tool.dump(namespace).then((dump) => dump.split('\n').filter((line) => line.includes('six-br')));
      const alone = await closed();
      await first.firewall.apply({ ...first.rules, protect: { interface: 'five-br' } });
      await Promise.all([first.compared(QUIET_COMPARES), second.compared(QUIET_COMPARES)]);
      await first.firewall.remove(first.rules.overlays);
      expect(await closed()).toEqual(alone);
      expect([...first.events, ...second.events]).toEqual([]);
    });
  });
}

for (const tool of [iptablesNft, iptablesLegacy]) {
  describe.skipIf(tool.missing)(`a daemon beside one of upstream’s, by ${tool.name}`, () => {
    it('settles: neither changes a rule any more, and packets of both networks pass', async () => {
      await createHosts();
      const { namespace } = overlay.hosts[0];
      await dropForwarded(namespace, [tool]);
      const upstream = createUpstreamRules(namespace, {
        variant: tool.options.variant!,
        network: '10.6.0.0/16',
        subnet: '10.6.1.0/24',
      });
      const daemon = createDaemon(tool, 5);
      await daemon.firewall.apply(daemon.rules);
      expect(await upstream.resync()).toBe(true);
      await expectSettled(daemon);
      const settled = daemon.events.length;
      for (let resyncs = 0; resyncs < 3; resyncs++) {
        expect(await upstream.resync()).toBe(false);
        await daemon.compared(1);
      }
      expect(daemon.events.length).toBe(settled);
      for (const number of [5, 6]) await expectPackets(number);
      await daemon.firewall.remove(daemon.rules.overlays);
      expect(await upstream.resync()).toBe(false);
    });
  });
}

describe.skipIf(nftables.missing)('a daemon beside one of upstream’s, by nftables', () => {
  const upstream = upstreamNftables({ network: '10.6.0.0/16', subnet: '10.6.1.0/24' });

  it('settles whichever starts first, and packets of both networks pass', async () => {
    await createHosts();
    const { namespace } = overlay.hosts[0];
    await dropForwarded(namespace, [nftables]);
    // Upstream keeps no rules of iptables beside its own, so its network needs those of an operator.
    for (const way of ['-s', '-d'])
      await namespace.run('iptables-nft', '-A', 'FORWARD', way, '10.6.0.0/16', '-j', 'ACCEPT');
    await namespace.run('nft', upstream);
    const alone = linesOf(await nftables.dump(namespace), 6);
    const daemon = createDaemon(nftables, 5);
    await daemon.firewall.apply(daemon.rules);
    await daemon.compared(QUIET_COMPARES);
    await namespace.run('nft', upstream);
    await daemon.compared(QUIET_COMPARES);
    expect(daemon.events).toEqual([]);
    expect(linesOf(await nftables.dump(namespace), 6)).toEqual(alone);
    for (const number of [5, 6]) await expectPackets(number);
    await daemon.firewall.remove(daemon.rules.overlays);
    expect(linesOf(await nftables.dump(namespace), 6)).toEqual(alone);
  });

  it('takes the place of upstream’s chains of its own network', async () => {
    await createHosts();
    const { namespace } = overlay.hosts[0];
    const daemon = createDaemon(nftables, 6);
    await daemon.firewall.apply(daemon.rules);
    const alone = await nftables.dump(namespace);
    await daemon.firewall.remove();
    await namespace.run('nft', upstream);
    await daemon.firewall.apply(daemon.rules);
    expect(await nftables.dump(namespace)).toBe(alone);
  });

  it('is there again after upstream’s clean-up took the whole table', async () => {
    await createHosts();
    const { namespace } = overlay.hosts[0];
    const daemon = createDaemon(nftables, 5);
    await daemon.firewall.apply(daemon.rules);
    const desired = await nftables.dump(namespace);
    await namespace.run('nft', 'delete', 'table', 'ip', 'flannel-ipv4');
    await expect.poll(() => nftables.dump(namespace)).toBe(desired);
  });
});
