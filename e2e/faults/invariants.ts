import type { Container } from '@flannel-ts/lab';
import { compareHost, compareLeases } from './compare.ts';
import { expectedState } from './expected.ts';
import { readiness } from './fault.ts';
import type { FaultHost } from './host.ts';
import { observe } from './observe.ts';
import type { World } from './world.ts';

/** Everything that must hold when no fault is on. @returns what does not hold; empty when all does */
export async function violations(world: World): Promise<readonly string[]> {
  const ended = world.hosts.filter(({ live, daemon }) => live && !daemon.running);
  if (ended.length > 0) return ended.map(({ name }) => `${name}: the daemon ended by itself`);
  const leases = await world.client.leases().catch((error: unknown) => String(error));
  if (typeof leases === 'string') return [`etcd does not answer: ${leases}`];
  const live = world.hosts.filter((host) => host.live);
  const wrong = compareLeases(leases, live);
  if (wrong.length > 0) return wrong;
  // A daemon is not ready while Docker has another subnet or MTU: its operator restarts Docker then.
  const containers = await Promise.all(live.map((host) => host.fitContainer()));
  const found = await Promise.all(
    live.map(async (host) => {
      const { underlayAddress, name } = host;
      const underlayMtu = Number(await host.run('cat', '/sys/class/net/eth0/mtu'));
      const expected = expectedState(world.network, leases, { underlayAddress, underlayMtu });
      const wrongs = [...(await compareReadiness(host)), ...compareHost(expected, await observe(host))];
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
