import { OWNER_LABEL } from './desired-network.ts';
import { openDocker } from './docker-api.ts';
import type { DockerEndpoint } from './keep-docker-network.ts';

/** A network that was made for an owner. */
export interface OwnedNetwork {
  readonly name: string;
  /** The containers that start in it: `web`, `db (stopped)`. */
  readonly usedBy: readonly string[];
  /** Removes it. @throws {DockerError} also while a running container uses it */
  remove(): Promise<void>;
}

/** Returns the networks of an owner, under whatever name. @throws {DockerError} */
export async function findDockerNetworks(
  { socketPath, owner }: DockerEndpoint,
  signal: AbortSignal,
): Promise<readonly OwnedNetwork[]> {
  const docker = await openDocker(socketPath, signal);
  const networks = await docker.listNetworks();
  const own = networks.filter(({ labels }) => labels[OWNER_LABEL] === owner);
  return Promise.all(
    own.map(async ({ id, name }) => ({
      name,
      usedBy: await docker.containersOf(id),
      remove: () => docker.removeNetwork(id),
    })),
  );
}
