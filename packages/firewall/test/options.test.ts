import { parsePrefix } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import {
  createFirewall,
  DesiredRulesError,
  UnguardedTunnelError,
  type FirewallEvent,
  type Overlay,
  type RunCommand,
} from '../src/index.ts';
import { runCommand } from '../src/run-command.ts';
import { createMemoryIptables } from './support/memory-iptables.ts';
import { desiredRules } from './support/rules.ts';

/** A host on which no tool is installed. */
const runMissing: RunCommand = ([program, ...args], options) =>
  runCommand([`/nowhere/${program!}`, ...args], options);

const overlay = (network: string, subnet: string): Overlay => ({
  network: parsePrefix(network),
  subnet: parsePrefix(subnet),
});

describe('rules that make no sense are refused by name', () => {
  const cases: [string, Overlay[], string][] = [
    [
      'a subnet outside',
      [overlay('10.5.0.0/16', '10.6.1.0/24')],
      'overlays[0].subnet must lie inside the network 10.5.0.0/16, not be 10.6.1.0/24',
    ],
    [
      'two families in one overlay',
      [overlay('10.5.0.0/16', 'fc00::/64')],
      'overlays[0].subnet must lie inside the network 10.5.0.0/16, not be fc00::/64',
    ],
    [
      'every address',
      [overlay('fc00::/48', 'fc00::/64'), overlay('0.0.0.0/0', '10.5.1.0/24')],
      'overlays[1].network must be smaller than every address, such as 10.5.0.0/16',
    ],
    [
      'two overlays',
      [overlay('10.5.0.0/16', '10.5.1.0/24'), overlay('10.6.0.0/16', '10.6.1.0/24')],
      'overlays must have at most one overlay per family, not two of IPv4',
    ],
  ];
  it.each(cases)('%s', async (_, overlays, message) => {
    await using firewall = createFirewall({ run: runMissing }, { tool: 'iptables' });
    const error = await firewall
      .apply(desiredRules(1, { overlays }))
      .catch((problem: unknown) => problem as Error);
    expect(error).toBeInstanceOf(DesiredRulesError);
    expect((error as Error).message).toBe(message);
  });
});

it('refuses a time that no timer can wait', () => {
  for (const resyncMs of [0, -1, NaN, Infinity, 2 ** 31]) {
    expect(() => createFirewall({}, { tool: 'iptables', resyncMs })).toThrow(
      /^resyncMs must be 1 to .*, not /,
    );
  }
});

describe.each([
  ['iptables', 'iptables', 'iptables-save is not in PATH; install the package iptables'],
  ['nftables', 'nftables', 'nft is not in PATH; install the package nftables'],
] as const)('%s that is not installed', (_, tool, message) => {
  it('is said once, and tried again', async () => {
    const events: FirewallEvent[] = [];
    let attempts = 0;
    const { promise: tried, resolve } = Promise.withResolvers<undefined>();
    const run: RunCommand = (command, options) => {
      if (++attempts > 20) resolve(undefined);
      return runMissing(command, options);
    };
    const onEvent = (event: FirewallEvent) => events.push(event);
    await using firewall = createFirewall({ run, onEvent }, { tool, resyncMs: 1 });
    await firewall.apply(desiredRules(1, { overlays: [overlay('10.5.0.0/16', '10.5.1.0/24')] }));
    await tried;
    expect(events).toMatchObject([{ kind: 'obstacles', obstacles: [{ message }] }]);
  });

  it('has left nothing to remove', async () => {
    await using firewall = createFirewall({ run: runMissing }, { tool });
    await firewall.remove();
  });
});

it('a tunnel is not guarded without nft, which is an obstacle, and the other rules are in place', async () => {
  const iptables = createMemoryIptables();
  const events: FirewallEvent[] = [];
  const run: RunCommand = (command, options) =>
    (command[0] === 'nft' ? runMissing : iptables.run)(command, options);
  await using firewall = createFirewall(
    { run, onEvent: (event) => events.push(event) },
    { tool: 'iptables' },
  );
  const tunnel = { family: 4, port: 8472, underlay: 'eth0', peers: [], onlyPeersVni: 1 } as const;
  await firewall.apply(desiredRules(1, { tunnel }));
  expect(iptables.tables.get('filter')!.chains.get('FLANNEL-FWD')).toHaveLength(2);
  const message =
    /^containers .* UDP port 8472 of other hosts, and vxlan takes packets of hosts that have no lease, .*: nft is not in PATH; install the package nftables$/;
  expect(events).toMatchObject([{ kind: 'obstacles', obstacles: [{}] }]);
  const { obstacles } = events[0] as FirewallEvent & { kind: 'obstacles' };
  expect(obstacles[0]).toBeInstanceOf(UnguardedTunnelError);
  expect(obstacles[0]!.message).toMatch(message);
});

describe('a command', () => {
  it('is ended when it is aborted, and rejects with the reason', async () => {
    const stop = new AbortController();
    const running = runCommand(['sleep', '60'], { signal: stop.signal });
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
    await expect(runCommand(['sleep', '60'], { signal: stop.signal })).rejects.toThrow('stopped');
  });

  it('that could not be started kills no process when it is aborted', async () => {
    const stop = new AbortController();
    const running = runCommand(['/nowhere/sleep'], { signal: stop.signal });
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });

  it('gets its input, and tells its output and exit code', async () => {
    const { signal } = new AbortController();
    expect(await runCommand(['sh', '-c', 'cat; echo no >&2; exit 3'], { input: 'yes', signal })).toEqual({
      exitCode: 3,
      stdout: 'yes',
      stderr: 'no\n',
    });
  });
});

it('does without the raw table where the kernel has none', async () => {
  const inputs: string[] = [];
  const run: RunCommand = ([program], { input = '' }) => {
    if (program === 'nft') return runMissing([program], { signal: new AbortController().signal });
    const refused = input.includes('*raw');
    if (input !== '') inputs.push(input.replaceAll(/\n[^*].*/g, ''));
    const stderr = refused ? "can't initialize iptables table `raw': Table does not exist" : '';
    return Promise.resolve({ exitCode: refused ? 3 : 0, stdout: '', stderr });
  };
  const events: FirewallEvent[] = [];
  const onEvent = (event: FirewallEvent) => events.push(event);
  await using firewall = createFirewall({ run, onEvent }, { tool: 'iptables' });
  const [ipv4] = desiredRules(1).overlays;
  await firewall.apply(desiredRules(1, { overlays: [ipv4!] }));
  await firewall.apply(desiredRules(2, { overlays: [ipv4!] }));
  expect(inputs).toEqual(['*nat\n*filter\n*raw\n', '*nat\n*filter\n', '*nat\n*filter\n']);
  expect(events).toEqual([]);
});
