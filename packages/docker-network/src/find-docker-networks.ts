import { OWNER_LABEL } from './desired-network.ts';
import { openDocker } from './docker-api.ts';

/** A Docker network of an owner. */
export interface OwnedNetwork {
  readonly name: string;
  /** The containers that start in it: `web`, `db (stopped)`. They could not start without it. */
  readonly usedBy: readonly string[];
  /** Removes the network. @throws {DockerUnavailableError} {DockerUnusableError} {DockerRefusedError} */
  remove(): Promise<void>;
}

/**
 * Finds the networks that a keeper made for an owner, under whatever name.
 * @throws {DockerUnavailableError} {DockerUnusableError} {DockerRefusedError}
 */
export async function findDockerNetworks({
  socketPath,
  owner,
  signal,
}: {
  readonly socketPath: string;
  readonly owner: string;
  readonly signal: AbortSignal;
}): Promise<readonly OwnedNetwork[]> {
  const docker = await openDocker(socketPath, signal);
  const owned = (await docker.listNetworks()).filter(({ labels }) => labels[OWNER_LABEL] === owner);
  return Promise.all(
    owned.map(async ({ id, name }) => ({
      name,
      usedBy: await docker.containersOf(id),
      remove: () => docker.removeNetwork(id),
    })),
  );
}
