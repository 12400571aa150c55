import type { Contests } from '@flannel-ts/backoff';
import { AddressError, parseInterfaceAddress } from '@flannel-ts/ip';
import type { DockerNetworkComponents } from './components.ts';
import { createRequest, differences, OWNER_LABEL, type DesiredNetwork } from './desired-network.ts';
import type { DockerApi, ListedNetwork } from './docker-api.ts';
import { DockerRefusedError } from './errors.ts';

export interface ReconcileOptions {
  readonly desired: DesiredNetwork;
  readonly owner: string;
  /** The pace of creating the network, by its name. */
  readonly contests: Contests;
}

/**
 * Makes Docker's networks of this owner the desired one, and reports each step. A network of another owner
 * is never touched, nor one of ours that a container starts in.
 * @throws {Error} when an operator must act first, and what the calls of `docker` throw
 */
export async function reconcile(
  docker: DockerApi,
  { desired, owner, contests }: ReconcileOptions,
  { onChange = () => undefined, obstacle = () => undefined }: DockerNetworkComponents,
): Promise<void> {
  const networks = await docker.listNetworks();
  const own = networks.filter(({ labels }) => labels[OWNER_LABEL] === owner);
  rejectForeign(networks, own, desired);
  const compared = own.map((network) => ({
    network,
    wrong: differences(network, desired, docker.apiVersion),
  }));
  for (const { network, wrong } of compared.filter(({ wrong }) => wrong.length > 0)) {
    const containers = await docker.containersOf(network.id);
    if (containers.length > 0) throw blocked(network, wrong, containers);
    await docker.removeNetwork(network.id);
    onChange({ kind: 'removed', name: network.name, reasons: wrong });
  }
  if (compared.some(({ wrong }) => wrong.length === 0)) return;
  if (performance.now() < contests.dueAt(desired.name)) throw new Error(contestReason(desired.name));
  const reason = obstacle();
  if (reason !== undefined) {
    throw new Error(`Docker’s network ${JSON.stringify(desired.name)} is not created: ${reason}`);
  }
  const request = createRequest(desired, owner, docker.apiVersion);
  await docker.createNetwork(request).catch((error: unknown) => {
    throw explainRefusal(
      error,
      networks.filter((network) => !own.includes(network)),
      desired,
    );
  });
  contests.repaired(desired.name);
  onChange({ kind: 'created', network: desired, engine: docker.engine });
}

/** What an operator is told about a network that another program keeps removing. */
export function contestReason(name: string): string {
  return (
    `another program keeps removing Docker’s network ${JSON.stringify(name)}, which is therefore created more ` +
    'and more rarely, up to once a minute: find it, as with docker events --filter type=network, and stop it'
  );
}

function rejectForeign(
  networks: readonly ListedNetwork[],
  own: readonly ListedNetwork[],
  { name }: DesiredNetwork,
): void {
  if (!networks.some((network) => network.name === name && !own.includes(network))) return;
  throw new Error(
    `Docker has a network ${JSON.stringify(name)} that was not made here, so it is left alone: ` +
      `remove it (docker network rm ${name}) or choose another name`,
  );
}

function blocked({ name }: ListedNetwork, wrong: readonly string[], containers: readonly string[]): Error {
  return new Error(
    `Docker’s network ${JSON.stringify(name)} must be recreated (${wrong.join(', ')}), but containers use it: ` +
      `${containers.join(', ')}; remove them (docker rm --force, docker compose down), and start them again when it is recreated`,
  );
}

/** Docker does not say which network has the addresses. */
function explainRefusal(error: unknown, others: readonly ListedNetwork[], desired: DesiredNetwork): unknown {
  if (!(error instanceof DockerRefusedError)) return error;
  const rival = others.find((network) => network.ipam.some(({ Subnet }) => overlaps(Subnet, desired)));
  if (!rival) return error;
  const [subnet] = rival.ipam.filter(({ Subnet }) => overlaps(Subnet, desired));
  const fix =
    rival.name === 'bridge'
      ? 'start Docker without --bip, so that docker0 has other addresses'
      : `remove it (docker network rm ${rival.name})`;
  return new Error(
    `Docker’s network ${JSON.stringify(rival.name)} has ${subnet!.Subnet!}, which overlaps ` +
      `${desired.subnet.toString()} of this host: ${fix}`,
    { cause: error },
  );
}

/** Docker keeps a subnet as it was written, host bits included. */
function overlaps(subnet: string | undefined, desired: DesiredNetwork): boolean {
  try {
    return subnet !== undefined && parseInterfaceAddress(subnet).prefix.overlaps(desired.subnet);
  } catch (error) {
    if (error instanceof AddressError) return false;
    throw error;
  }
}
