import { DockerUnavailableError, findDockerNetworks, type OwnedNetwork } from '@flannel-ts/docker-network';
import { dockerEndpoint } from '../docker-network.ts';
import type { CleanupSettings } from '../request.ts';
import type { Findings } from './steps.ts';

/** The Docker networks that a daemon with this etcd prefix made. A Docker that does not run keeps its own. */
export async function findOwnDockerNetworks(
  settings: CleanupSettings,
  signal: AbortSignal,
): Promise<Findings> {
  try {
    const networks = await findDockerNetworks(dockerEndpoint(settings), signal);
    return {
      leftovers: networks.map((network) => ({
        what: `Docker network ${network.name}`,
        details: network.usedBy.map((container) => `used by ${container}`),
        delete: () => removeUnused(network),
      })),
    };
  } catch (error) {
    if (!(error instanceof DockerUnavailableError)) throw error;
    const fix = 'if it has a network of flanneld, start it and repeat';
    return { leftovers: [], kept: [`Docker networks: unknown; ${error.message}; ${fix}`] };
  }
}

async function removeUnused(network: OwnedNetwork): Promise<void> {
  const { usedBy } = network;
  if (usedBy.length > 0)
    throw new Error(`containers use it: ${usedBy.join(', ')}; remove them (docker rm --force) and repeat`);
  await network.remove();
}
