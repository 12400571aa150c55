import { OWNER_LABEL } from './desired-network.ts';
import { openDocker } from './docker-api.ts';

/** What became of a network of an owner. */
export interface RemovedNetwork {
  readonly name: string;
  /** The containers that start in it, for which it was left: `web`, `db (stopped)`. Empty: it is removed. */
  readonly usedBy: readonly string[];
}

/**
 * Removes the networks of an owner, under whatever name, unless a container uses them.
 * @throws {DockerUnavailableError} {DockerUnusableError} {DockerRefusedError}
 */
export async function removeDockerNetworks({
  socketPath,
  owner,
  signal,
}: {
  readonly socketPath: string;
  readonly owner: string;
  readonly signal: AbortSignal;
}): Promise<readonly RemovedNetwork[]> {
  const docker = await openDocker(socketPath, signal);
  const networks = await docker.listNetworks();
  const removed: RemovedNetwork[] = [];
  for (const { id, name } of networks.filter(({ labels }) => labels[OWNER_LABEL] === owner)) {
    const usedBy = await docker.containersOf(id);
    if (usedBy.length === 0) await docker.removeNetwork(id);
    removed.push({ name, usedBy });
  }
  return removed;
}
