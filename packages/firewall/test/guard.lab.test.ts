import { parseAddress } from '@flannel-ts/ip';
import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createFirewall,
  type DesiredRules,
  type Firewall,
  type FirewallEvent,
  type FirewallOptions,
  type GuardedTunnel,
} from '../src/index.ts';
import { watchNetfilter } from '../src/watch-netfilter.ts';
import { forge, listen, send } from './support/datagrams.ts';
import { openPortInside, runInside } from './support/host.ts';
import { createOverlay, type Overlay, type OverlayHost } from './support/overlay.ts';
import { desiredRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';

const families = [4, 6] as const;
const UDP = 8285;
const VXLAN = 8472;
const HOUR_MS = 3_600_000;
const NAME = ['ip', 'flannel-guard-10.5.0.0-16'] as const;
/** Those of the first host's bridge. */
const SUBNETS = { 4: '10.5.1.0/24', 6: 'fc00:0:0:1::/64' } as const;

let overlay: Overlay;
let first: OverlayHost;
let second: OverlayHost;
let events: FirewallEvent[];
let stack: AsyncDisposableStack;

async function start(): Promise<void> {
  stack = new AsyncDisposableStack();
  overlay = stack.use(await createOverlay());
  [first, second] = overlay.hosts;
  events = [];
}

const end = () => stack.disposeAsync();

/** A firewall on the first host, with a guard and nothing else unless it is asked for. */
function createGuarding(options: FirewallOptions): Firewall {
  const { namespace } = first;
  return stack.use(
    createFirewall(
      {
        run: runInside(namespace),
        openPort: openPortInside(namespace),
        onEvent: (event) => events.push(event),
      },
      options,
    ),
  );
}

function guarding(tunnel: Partial<GuardedTunnel> = {}, change: Partial<DesiredRules> = {}): DesiredRules {
  const peers = families.map((family) => parseAddress(second.at[family].underlay));
  const guarded = { family: 4, port: UDP, underlay: 'eth0', peers, ...tunnel } as const;
  return desiredRules(1, { masquerade: undefined, forward: false, tunnel: guarded, ...change });
}

const at = ({ namespace, at }: OverlayHost) => ({ namespace, address: at[4].underlay });

async function table(): Promise<string> {
  return first.namespace.run('nft', '-a', 'list', 'table', ...NAME);
}

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

          await using firewall = createGuarding(tool.options);
          await firewall.apply(guarding({ family }, { forward: true }));
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
        await using firewall = createGuarding(tool.options);
        await firewall.apply(guarding({ port: VXLAN }));
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

describe.skipIf(nftables.missing)('hosts and peers', () => {
  beforeEach(start);
  afterEach(end);

  /** A host that is reached by way of the first, on a link of its own. */
  async function addHostBehind(): Promise<Namespace> {
    const behind = stack.use(await createNamespace(`ftlab-${process.pid}-behind`));
    await first.namespace.run(
      'ip',
      'link',
      'add',
      'eth1',
      'type',
      'veth',
      'peer',
      'eth0',
      'netns',
      behind.namespace,
    );
    await first.namespace.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth1');
    await first.namespace.run('ip', 'link', 'set', 'eth1', 'up');
    await behind.run('ip', 'address', 'add', '192.0.2.2/24', 'dev', 'eth0');
    await behind.run('ip', 'link', 'set', 'eth0', 'up');
    await behind.run('ip', 'route', 'add', 'default', 'via', '192.0.2.1');
    await second.namespace.run('ip', 'route', 'add', '192.0.2.0/24', 'via', first.at[4].underlay);
    return behind;
  }

  it('a peer that is routed through the host is let through, and a container in its name is not', async () => {
    const behind = await addHostBehind();
    await using tunnel = await listen(at(second), UDP);
    const forged = { to: second.at[4].underlay, port: UDP, text: 'forged' };
    await forge(first.container.namespace, '192.0.2.2', forged);
    expect(await tunnel.until(first.namespace)).toEqual(['192.0.2.2 8285 forged']);
    const firewall = createGuarding({ tool: 'iptables' });
    await firewall.apply(guarding());
    const packet = { ...forged, fromPort: UDP, text: 'genuine' };
    await send(behind, packet);
    expect(await tunnel.until(first.namespace)).toEqual([]);
    await firewall.updatePeers({ add: [parseAddress('192.0.2.2')], remove: [] });
    await send(behind, packet);
    await forge(first.container.namespace, '192.0.2.2', forged);
    expect(await tunnel.until(first.namespace)).toEqual(['192.0.2.2 8285 genuine']);
  });

  it('vxlan takes packets of its network from peers only, and those of other networks from all', async () => {
    const behind = await addHostBehind();
    const here = { to: first.at[4].underlay, port: VXLAN };
    await using tunnel = await listen(at(first), VXLAN);
    const { namespace: container, at: inside } = first.container;
    const ways = async () => {
      await send(second.namespace, { ...here, text: '1/peer' });
      await send(overlay.outside.namespace, { ...here, text: '1/outside' });
      await send(overlay.outside.namespace, { ...here, text: '2/other network' });
      await send(container, { ...here, text: '1/container' });
      await send(behind, { ...here, text: '1/behind' });
      await forge(container, second.at[4].underlay, { ...here, text: '1/forged' });
      await send(first.namespace, { to: '127.0.0.1', port: VXLAN, text: '1/loopback' });
      const lines = await tunnel.until(first.namespace);
      return lines.map((line) => line.split(' ').slice(2).join(' '));
    };
    await first.namespace.run(
      'sysctl',
      '-qw',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.docker0.rp_filter=0',
    );
    const all = ['peer', 'outside', 'other network', 'container', 'behind', 'forged', 'loopback'];
    expect(await ways()).toEqual(all);
    const firewall = createGuarding({ tool: 'iptables', resyncMs: 50 });
    await firewall.apply(guarding({ port: VXLAN, onlyPeersVni: 1 }));
    expect(await ways()).toEqual(['peer', 'other network', 'loopback']);
    await firewall.updatePeers({
      add: ['192.0.2.2', overlay.outside.at[4].underlay].map(parseAddress),
      remove: [],
    });
    expect(await ways()).toEqual(['peer', 'outside', 'other network', 'behind', 'loopback']);
    await firewall.updatePeers({ add: [], remove: [parseAddress(second.at[4].underlay)] });
    expect(await ways()).toEqual(['outside', 'other network', 'behind', 'loopback']);
    await expect
      .poll(() => refusedSources())
      .toEqual(
        new Set([
          `no-lease ${overlay.outside.at[4].underlay}`,
          `no-lease ${inside[4].overlay}`,
          'no-lease 192.0.2.2',
          `no-lease ${second.at[4].underlay}`,
          `other-interface ${second.at[4].underlay}`,
        ]),
      );
    await firewall.apply(guarding({ port: VXLAN }));
    expect(await ways()).toEqual(all);
  });

  function refusedSources(): ReadonlySet<string> {
    const refusals = events.flatMap((event) => (event.kind === 'refused' ? event.refusals : []));
    return new Set(refusals.map(({ reason, source }) => `${reason} ${source}`));
  }
});

describe.skipIf(nftables.missing)('the table', () => {
  beforeEach(start);
  afterEach(end);

  const added = [parseAddress('192.0.2.7')];

  it('is not made again for a change of the peers, nor when the same is desired again', async () => {
    const firewall = createGuarding({ tool: 'iptables', resyncMs: 20 });
    await firewall.apply(guarding());
    const handles = async () => (await table()).match(/# handle \d+/g);
    const before = await handles();
    await Promise.all([
      firewall.updatePeers({ add: added, remove: [] }),
      firewall.updatePeers({ add: [], remove: added }),
      firewall.updatePeers({ add: added, remove: [] }),
    ]);
    expect(await table()).toContain('192.0.2.7');
    await firewall.apply(guarding({ peers: [parseAddress(second.at[4].underlay), ...added] }));
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
    await firewall.apply(guarding({ peers }));
    commands.length = 0;
    for (const address of added) {
      await firewall.updatePeers({ add: [address], remove: [] });
      await firewall.updatePeers({ add: [], remove: [address] });
    }
    expect(commands.map(({ words }) => words)).toEqual(['nft -f -', 'nft -f -']);
    for (const { bytes } of commands) expect(bytes).toBeLessThan(100);
    await firewall.apply(guarding({ peers }));
    expect(commands.filter(({ words }) => words === 'nft -f -')).toHaveLength(2);
  });

  it('is not compared for a change of its peers, which netfilter reports as well', async () => {
    const firewall = createGuarding({ tool: 'iptables', resyncMs: HOUR_MS });
    await firewall.apply(guarding());
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
      const firewall = createGuarding({ tool: 'iptables', resyncMs });
      await firewall.apply(guarding());
      const before = (await table()).replaceAll(/ # handle \d+/g, '');
      for (const change of changes) {
        events = [];
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
    const firewall = createGuarding({ tool: 'nftables' });
    await firewall.apply(guarding());
    expect(await tables()).toBe(`${others} ${ours}`);
    await firewall.apply(desiredRules(1));
    expect(await tables()).toBe(others);
    await firewall.apply(guarding());
    await firewall[Symbol.asyncDispose]();
    const next = createGuarding({ tool: 'iptables' });
    await next.apply(desiredRules(1));
    expect(await tables()).toBe(others);
    await next.apply(guarding());
    await next.remove(desiredRules(1).overlays);
    expect(await tables()).toBe(others);
    await next.remove();
    expect(await tables()).toBe('');
    await next.apply(guarding());
    await next[Symbol.asyncDispose]();
    const former = desiredRules(1).overlays.map(({ network }) => network);
    const last = createGuarding({ tool: 'iptables', former });
    await last.apply({ overlays: [], forward: false });
    expect(await tables()).toBe('');
  });
});
