import type { Container } from '@flannel-ts/lab';
import { expectedState, type Expected } from './expected.ts';
import { readiness } from './fault.ts';
import type { FaultHost } from './host.ts';
import { observe, type Observed } from './observe.ts';
import { overlap } from './prefix.ts';
import type { World } from './world.ts';

/** Everything that must hold when no fault is on. @returns what does not hold; empty when all does */
export async function violations(world: World): Promise<readonly string[]> {
  const ended = world.hosts.filter(({ live, daemon }) => live && !daemon.running);
  if (ended.length > 0) return ended.map(({ name }) => `${name}: the daemon ended by itself`);
  const leases = await world.client.leases().catch((error: unknown) => String(error));
  if (typeof leases === 'string') return [`etcd does not answer: ${leases}`];
  const live = world.hosts.filter((host) => host.live);
  const wrong = [
    ...leases.flatMap(({ key }, index) =>
      leases
        .slice(index + 1)
        .flatMap((other) => (overlap(key, other.key) ? [`${key} overlaps ${other.key}`] : [])),
    ),
    ...live.flatMap(({ name, underlayAddress }) => {
      const own = leases.filter(({ publicIp }) => publicIp === underlayAddress);
      return own.length === 1
        ? []
        : [`${name}: ${own.length} leases: ${own.map(({ key }) => key).join(', ')}`];
    }),
  ];
  if (wrong.length > 0) return wrong;
  // A daemon is not ready while Docker has another subnet or MTU: its operator restarts Docker then.
  const containers = await Promise.all(live.map((host) => host.fitContainer()));
  const found = await Promise.all(
    live.map(async (host) => {
      const { underlayAddress, name } = host;
      const underlayMtu = Number(await host.run('cat', '/sys/class/net/eth0/mtu'));
      const expected = expectedState(world.network, leases, { underlayAddress, underlayMtu });
      const wrongs = [
        ...(await compareReadiness(host)),
        ...compareKernel(expected, await observe(host)),
        ...difference('subnet.env', [expected.subnetEnv], [await envText(host)]),
      ];
      return wrongs.map((text) => `${name}: ${text}`);
    }),
  );
  const all = found.flat();
  return all.length > 0 ? all : unreachable(containers);
}

async function compareReadiness(host: FaultHost): Promise<readonly string[]> {
  const { status, body } = await readiness(host);
  return status === 200 ? [] : [`/readyz is ${status}: ${body}`];
}

function compareKernel(expected: Expected, observed: Observed): string[] {
  const { link } = expected;
  const device = observed.links.find(({ name }) => name === link?.name);
  const describe = ({ name, mtu, mac, addresses }: Omit<NonNullable<typeof link>, 'kind'>) =>
    `${name} mtu ${mtu} ${mac} ${addresses.join(' ')}`;
  const isOf = (name: string) => name === link?.name || (link?.name === 'flannel0' && name === 'flannel0-rx');
  const strays = observed.links.filter(({ name }) => !isOf(name)).map(({ name }) => `a device ${name}`);
  return [
    ...strays,
    ...(link
      ? difference(
          'device',
          [describe(link)],
          device ? [describe({ ...device, mac: link.mac && device.mac })] : [],
        )
      : []),
    ...difference('routes', expected.routes, observed.routes),
    ...difference('neighbours', expected.neighbours, observed.neighbours),
    ...difference('fdb', expected.fdb, observed.fdb),
    ...compareRules(expected, observed),
  ];
}

function compareRules({ iptables: expected }: Expected, { iptables, nftables }: Observed): string[] {
  const repeated = [...iptables].filter((rule, index) => iptables.indexOf(rule) !== index);
  if (!expected)
    return [
      ...iptables.map((rule) => `iptables: unexpected ${rule}`),
      ...(nftables.length < 8 ? [`nftables: only ${nftables.length} rules`] : []),
    ];
  const ofHosts = (rule: string) => /^-A FLANNEL-(INGRESS|RAW) /.test(rule);
  return [
    ...repeated.map((rule) => `iptables: twice ${rule}`),
    ...difference('iptables', [...expected].sort(), iptables.filter((rule) => !ofHosts(rule)).sort()),
    ...['INGRESS', 'RAW']
      .filter((chain) => !iptables.some((rule) => rule.startsWith(`-A FLANNEL-${chain} `)))
      .map((chain) => `iptables: FLANNEL-${chain} is empty`),
    ...(nftables.length > 0 ? ['nftables: rules beside those of iptables'] : []),
  ];
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string[] {
  return [
    ...expected.filter((line) => !found.includes(line)).map((line) => `${what}: missing ${line}`),
    ...found.filter((line) => !expected.includes(line)).map((line) => `${what}: unexpected ${line}`),
  ];
}

async function envText(host: FaultHost): Promise<string> {
  const env = Object.entries(await host.subnetEnv()).filter(([name]) => name !== '');
  return env.map(([name, value]) => `${name}=${value}`).join(' ');
}

/** Pairs of containers that do not reach each other. */
async function unreachable(containers: readonly Container[]): Promise<readonly string[]> {
  const pairs = containers.flatMap((from) =>
    containers.filter((to) => to !== from).map((to) => ({ from, to })),
  );
  const answers = pairs.map(async ({ from, to }) => {
    const ping = ['ping', '-n', '-q', '-c', '1', '-W', '2', to.address];
    const reached = await from.run(...ping).then(
      () => true,
      () => false,
    );
    return reached ? [] : [`${from.address} does not reach ${to.address}`];
  });
  return (await Promise.all(answers)).flat();
}
