import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAddress } from '@flannel-ts/ip';
import {
  createFirewall,
  type Firewall,
  type FirewallEvent,
  type RunCommand,
  type DesiredRules,
} from '../src/index.ts';
import { runCommand } from '../src/run-command.ts';
import { loadDockerIptables, loadDockerNftables } from './support/docker.ts';
import { openPortInside, runInside } from './support/host.ts';
import { createOverlay, type Overlay, type OverlayHost } from './support/overlay.ts';
import { desiredRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';
import { expectNobody, seenAs } from './support/whoami.ts';

const families = [4, 6] as const;
const HOUR_MS = 3_600_000;

/** Two hosts joined as with host-gw; Docker's rules are on the first. */
let overlay: Overlay;
let first: OverlayHost;
let second: OverlayHost;
let firewalls: AsyncDisposableStack;
let events: FirewallEvent[];
let waiting: PromiseWithResolvers<FirewallEvent>;

beforeEach(async () => {
  overlay = await createOverlay();
  [first, second] = overlay.hosts;
  firewalls = new AsyncDisposableStack();
  events = [];
  waiting = Promise.withResolvers();
});
afterEach(async () => {
  await firewalls.disposeAsync();
  await overlay[Symbol.asyncDispose]();
});

interface StartOptions {
  /** @default an hour: it compares when the kernel reports a change */
  readonly resyncMs?: number;
  readonly run?: RunCommand;
}

/** A firewall of the first host, which knows the second as with host-gw. */
async function start(
  { options }: ToolUnderTest,
  change: Partial<DesiredRules> = {},
  { resyncMs = HOUR_MS, run = runInside(first.namespace) }: StartOptions = {},
): Promise<Firewall> {
  const onEvent = (event: FirewallEvent) => {
    events.push(event);
    waiting.resolve(event);
    waiting = Promise.withResolvers();
  };
  const openPort = openPortInside(first.namespace);
  const firewall = firewalls.use(createFirewall({ run, onEvent, openPort }, { ...options, resyncMs }));
  const overlays = desiredRules(1).overlays.map((rules) => {
    const { family } = rules.network;
    const hosts = [second.at[family].underlay, second.at[family].loopback].map(parseAddress);
    return { ...rules, hosts };
  });
  await firewall.apply(desiredRules(1, { overlays, masquerade: undefined, underlay: 'eth0', ...change }));
  return firewall;
}

/** The first host's container, over IPv4 and IPv6. */
const container = () => families.map((family) => ({ to: first.container.at[family].overlay }));

const fromSecond = () => families.map((family) => second.container.at[family].overlay);

async function loadDocker28(tool: ToolUnderTest): Promise<void> {
  for (const family of families) {
    const address = first.container.at[family].overlay;
    await loadDockerIptables(first.namespace, tool.options.variant!, { family, address });
  }
}

async function loadDocker29(options?: Parameters<typeof loadDockerNftables>[2]): Promise<void> {
  for (const family of families) {
    const address = first.container.at[family].overlay;
    await loadDockerNftables(first.namespace, { family, address }, options);
  }
}

for (const tool of [iptablesNft, iptablesLegacy, nftables]) {
  describe.skipIf(tool.missing)(`beside Docker 28, with ${tool.name}`, () => {
    it('containers of other hosts are accepted, others are not, and Docker alone drops both', async () => {
      await loadDocker28(tool);
      await expectNobody(second.container.namespace, container());
      await using firewall = await start(tool, {}, { resyncMs: 50 });
      expect(await seenAs(second.container.namespace, container())).toEqual(fromSecond());
      expect(await seenAs(second.namespace, container())).toEqual(
        families.map((family) => second.at[family].underlay),
      );
      await expectNobody(overlay.outside.namespace, container());
      await firewall.remove();
      await expectNobody(second.container.namespace, container());
      expect(events).toEqual([]);
    });

    it('the policy to drop what is forwarded holds for others only', async () => {
      for (const program of ['iptables', 'ip6tables'])
        await first.namespace.run(`${program}-${tool.options.variant!}`, '-w', '5', '-P', 'FORWARD', 'DROP');
      await expectNobody(second.container.namespace, container());
      await start(tool);
      expect(await seenAs(second.container.namespace, container())).toEqual(fromSecond());
    });
  });
}

for (const tool of [iptablesNft, nftables]) {
  describe.skipIf(tool.missing)(`netfilter’s reports, with ${tool.name}`, () => {
    it('bring the rules to the front when Docker comes, and before the next resync', async () => {
      await start(tool);
      const repaired = waiting.promise;
      await loadDocker28(tool);
      await first.namespace.run('iptables-nft', '-t', 'raw', '-I', 'PREROUTING', '-i', 'eth0', '-j', 'DROP');
      expect((await repaired).kind).toBe('repaired');
      await expect
        .poll(() => seenAs(second.container.namespace, container(), { seconds: 1 }), { timeout: 20_000 })
        .toEqual(fromSecond());
      expect(events.every(({ kind }) => kind === 'repaired')).toBe(true);
    });
  });
}

for (const tool of [iptablesNft, nftables]) {
  describe.skipIf(tool.missing ?? nftables.missing)(`beside Docker 29, with ${tool.name}`, () => {
    const acceptMark = { value: 0x20, mask: 0xf0 };
    const docker = { acceptMark: 'meta mark & 0xf0 == 0x20', directRouting: true };

    it('names both options when no mark is configured', async () => {
      await start(tool);
      const reported = waiting.promise;
      await loadDocker29();
      expect(await reported).toMatchObject({
        kind: 'obstacles',
        obstacles: [
          {
            message: expect.stringContaining(
              '--docker-accept-fwmark=0x100000/0x100000 and dockerd with --bridge-accept-fwmark=0x100000/0x100000 --allow-direct-routing',
            ) as unknown,
          },
        ],
      });
      await expectNobody(second.container.namespace, container());
    });

    it('marks what arrives from other hosts’ containers, and nothing else', async () => {
      await start(tool, { acceptMark });
      await loadDocker29(docker);
      expect(await seenAs(second.container.namespace, container())).toEqual(fromSecond());
      await expectNobody(overlay.outside.namespace, container());
      expect(events.filter(({ kind }) => kind === 'obstacles')).toEqual([]);
    });

    it('names what dockerd lacks, until it has it', async () => {
      await loadDocker29();
      await start(tool, { acceptMark });
      expect(events).toMatchObject([
        { obstacles: [{ message: expect.stringContaining('start dockerd with') as unknown }] },
      ]);
      const gone = waiting.promise;
      await loadDocker29(docker);
      expect(await gone).toEqual({ kind: 'obstacles', obstacles: [] });
    });
  });
}

it.skipIf(nftables.missing ?? iptablesNft.missing)(
  'nftables beside a Docker that uses iptables asks for iptables where that is not installed',
  async () => {
    await loadDocker28(iptablesNft);
    const run = runInside(first.namespace);
    const runNft: RunCommand = ([program, ...args], options) =>
      program === 'nft' ? run([program, ...args], options) : runCommand([`/nowhere/${program!}`], options);
    await start(nftables, {}, { run: runNft });
    expect(events).toMatchObject([
      { obstacles: [{ message: expect.stringContaining('install the package iptables') as unknown }] },
    ]);
  },
);
