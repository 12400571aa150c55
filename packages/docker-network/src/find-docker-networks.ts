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
  using docker = await openDocker(socketPath, signal);
  const found: OwnedNetwork[] = [];
  for (const { id, name, labels } of await docker.listNetworks()) {
    if (labels[OWNER_LABEL] !== owner) continue;
    found.push({
      name,
      usedBy: await docker.containersOf(id),
      async remove() {
        using docker = await openDocker(socketPath, signal);
        await docker.removeNetwork(id);
      },
    });
  }
  return found;
}
