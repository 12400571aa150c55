import type { Namespace } from '@flannel-ts/lab';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunCommand } from '../src/index.ts';
import { createFirewallHost, type FirewallHost } from './support/host.ts';
import { desiredRules } from './support/rules.ts';
import { iptablesLegacy, iptablesNft, nftables, type ToolUnderTest } from './support/tools.ts';

/** Rules of Docker, Kubernetes and an operator. */
const FOREIGN = `*nat
:DOCKER - [0:0]
:KUBE-POSTROUTING - [0:0]
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING -s 10.5.0.0/16 -o eth9 -m comment --comment "not \\"flanneld masq\\"" -j RETURN
-A DOCKER -i docker0 -j RETURN
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
COMMIT
*filter
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
COMMIT
`;

/** What upstream's daemons before the chain left, without and with a comment, for the subnet 10.5.7.0/24. */
const UPSTREAM = ['', '-m comment --comment "flanneld masq" ']
  .flatMap((comment) => [
    `-A POSTROUTING -s 10.5.0.0/16 -d 10.5.0.0/16 ${comment}-j RETURN`,
    `-A POSTROUTING -s 10.5.0.0/16 ! -d 224.0.0.0/4 ${comment}-j MASQUERADE --random-fully`,
    `-A POSTROUTING ! -s 10.5.0.0/16 -d 10.5.7.0/24 ${comment}-j RETURN`,
    `-A POSTROUTING ! -s 10.5.0.0/16 -d 10.5.0.0/16 ${comment}-j MASQUERADE --random-fully`,
  ])
  .join('\n');

let host: FirewallHost;
afterEach(() => host[Symbol.asyncDispose]());

async function restore(namespace: Namespace, variant: string, input: string): Promise<void> {
  await namespace.run('sh', '-c', `iptables-${variant}-restore -w 5 --noflush <<'END'\n${input}END`);
}

/** A host with somebody else's rules, and what all rules are like without ours. */
async function createForeignHost(tool: ToolUnderTest, changeRun?: (run: RunCommand) => RunCommand) {
  host = await createFirewallHost(tool.options, changeRun);
  const variant = tool.options.variant!;
  await restore(host.namespace, variant, FOREIGN);
  // Reading a table of iptables makes it, empty; ours stay so.
  for (const program of ['iptables', 'ip6tables'])
    for (const table of ['nat', 'filter', 'raw'])
      await host.namespace.run(`${program}-${variant}-save`, '-t', table);
  return { namespace: host.namespace, variant, before: await tool.dump(host.namespace) };
}

for (const tool of [iptablesNft, iptablesLegacy, nftables]) {
  describe.skipIf(tool.missing)(tool.name, () => {
    it('leaves no rule of an earlier subnet, nor of what is turned off', async () => {
      const { namespace } = await createForeignHost(tool);
      await host.firewall.apply(desiredRules(7));
      expect(await tool.dump(namespace)).toMatch(/10\.5\.7\.0\/24[^]*fc00:0:0:7::\/64/);
      await host.firewall.apply(desiredRules(1));
      const first = await tool.dump(namespace);
      expect(first).toMatch(/10\.5\.1\.0\/24[^]*fc00:0:0:1::\/64/);
      expect(first).not.toMatch(/10\.5\.7\.|:7::/);
      await host.firewall.apply(desiredRules(1, { masquerade: undefined }));
      expect(await tool.dump(namespace)).not.toMatch(/comment "flanneld masq"|POSTRTG|postrtg/);
      await host.firewall.apply(desiredRules(1, { forward: false }));
      expect(await tool.dump(namespace)).not.toMatch(/flanneld forward|FLANNEL-FWD|chain forward/);
      const [ipv4] = desiredRules(1).overlays;
      await host.firewall.apply(desiredRules(1, { overlays: [ipv4!] }));
      expect(await tool.dump(namespace)).not.toMatch(/fc00|flannel-ipv6/);
      await host.firewall.apply(desiredRules(1));
      expect(await tool.dump(namespace)).toBe(first);
      expect(host.events).toEqual([]);
    });

    it('leaves the rules of others as they are, and takes its own away again', async () => {
      const { namespace, before } = await createForeignHost(tool);
      await host.firewall.apply(desiredRules(1));
      expect(tool.withoutOurs(await tool.dump(namespace))).toBe(before);
      await host.firewall.remove();
      expect(await tool.dump(namespace)).toBe(before);
      expect(host.events).toEqual([]);
    });

    it('removes what upstream left in POSTROUTING', async () => {
      const { namespace, variant, before } = await createForeignHost(tool);
      await restore(namespace, variant, `*nat\n${UPSTREAM}\nCOMMIT\n`);
      await host.firewall.apply(desiredRules(1));
      expect(await tool.dump(namespace)).not.toContain('10.5.7.0');
      await host.firewall.remove();
      expect(await tool.dump(namespace)).toBe(before);
    });

    it('goes on without random source ports where they are refused', async () => {
      const refuse = refuseRandom(tool);
      host = await createFirewallHost({ ...tool.options, resyncMs: 20 }, refuse);
      await host.firewall.apply(desiredRules(1));
      expect(host.events.map(({ kind }) => kind)).toEqual(['fully-random-unsupported']);
      const dump = await tool.dump(host.namespace);
      expect(dump).toMatch(/masquerade/i);
      expect(dump).not.toContain('random');
      const repaired = host.nextEvent();
      await host.firewall.apply(desiredRules(2));
      await host.namespace.run(
        ...(tool === nftables
          ? ['nft', 'delete', 'table', 'ip', 'flannel-ipv4']
          : [`iptables-${tool.options.variant!}`, '-w', '5', '-t', 'nat', '-F', 'FLANNEL-POSTRTG']),
      );
      expect((await repaired).kind).toBe('repaired');
    });
  });
}

/** A tool of old: it knows no random source ports, and says so in its own words. */
function refuseRandom({ options }: ToolUnderTest): (run: RunCommand) => RunCommand {
  const spoil = (text: string) =>
    text.replaceAll('random-fully', 'random-fuly').replaceAll('fully-random', 'fuly-random');
  return (run) =>
    (command, { input, signal }) =>
      run(options.tool === 'nftables' ? command.map(spoil) : command, {
        signal,
        ...(input !== undefined && { input: spoil(input) }),
      });
}

describe.skipIf(iptablesNft.missing ?? nftables.missing)('a change of the tool', () => {
  it('from iptables to nftables and back leaves nothing of the other', async () => {
    host = await createFirewallHost({ tool: 'iptables', variant: 'nft' });
    const { namespace } = host;
    await host.firewall.apply(desiredRules(1));
    const byIptables = await iptablesNft.dump(namespace);

    const second = await host.restart({ tool: 'nftables', variant: 'nft' });
    await second.apply(desiredRules(1));
    const rules = await nftables.dump(namespace);
    expect(rules).toContain('table ip flannel-ipv4');
    expect(rules).not.toMatch(/FLANNEL/);

    const third = await host.restart({ tool: 'iptables', variant: 'nft' });
    await third.apply(desiredRules(1));
    expect(await iptablesNft.dump(namespace)).toBe(byIptables);
    expect(await nftables.dump(namespace)).not.toContain('flannel-ipv');

    await (await host.restart({ tool: 'nftables', variant: 'nft' })).remove();
    expect(await iptablesNft.dump(namespace)).not.toContain('FLANNEL');
    expect(host.events).toEqual([]);
  });
});

describe('the tools’ refusals', () => {
  it('name what to do without the privilege', async () => {
    for (const tool of [iptablesNft, iptablesLegacy, nftables].filter(({ missing }) => !missing)) {
      host = await createFirewallHost(
        tool.options,
        (run) => (command, options) =>
          run(['setpriv', '--reuid=65534', '--clear-groups', ...command], options),
      );
      await host.firewall.apply(desiredRules(1));
      const problem = 'no-permission';
      expect(host.events).toMatchObject([
        { kind: 'obstacles', obstacles: tool === nftables ? [{ problem }] : [{ problem }, { problem }] },
      ]);
      await host[Symbol.asyncDispose]();
    }
  });

  it.skipIf(iptablesLegacy.missing)(
    'name who holds the lock, end with the lock, and do not delay the end',
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'ftlab-lock-'));
      const lock = join(directory, 'xtables.lock');
      host = await createFirewallHost(
        { ...iptablesLegacy.options, resyncMs: 20 },
        (run) => (command, options) => run(['env', `XTABLES_LOCKFILE=${lock}`, ...command], options),
      );
      const holder = host.namespace.start([
        'flock',
        '--no-fork',
        lock,
        'sh',
        '-c',
        'echo locked; exec sleep 60',
      ]);
      await holder.line(/locked/);
      await host.firewall.apply(desiredRules(1, { overlays: desiredRules(1).overlays.slice(0, 1) }));
      const message: unknown = expect.stringContaining('fuser -v /run/xtables.lock');
      expect(host.events).toMatchObject([{ kind: 'obstacles', obstacles: [{ problem: 'locked', message }] }]);
      const repaired = host.nextEvent();
      await holder.stop();
      expect(await repaired).toEqual({ kind: 'obstacles', obstacles: [] });

      const again = host.namespace.start([
        'flock',
        '--no-fork',
        lock,
        'sh',
        '-c',
        'echo locked; exec sleep 60',
      ]);
      await again.line(/locked/);
      const pending = host.firewall.apply(desiredRules(2));
      const started = performance.now();
      await host.firewall[Symbol.asyncDispose]();
      await pending;
      expect(performance.now() - started).toBeLessThan(4_500);
      expect(host.events.map(({ kind }) => kind)).toEqual(['obstacles', 'obstacles', 'repaired']);
      await rm(directory, { recursive: true });
    },
  );
});
