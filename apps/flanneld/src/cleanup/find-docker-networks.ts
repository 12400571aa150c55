import { DockerUnavailableError, findDockerNetworks, type OwnedNetwork } from '@flannel-ts/docker-network';
import { dockerEndpoint } from '../docker-network.ts';
import type { MadeRecord } from '../made-record.ts';
import type { CleanupSettings } from '../request.ts';
import type { Findings } from './steps.ts';

/**
 * The Docker networks that a daemon with this etcd prefix made.
 * @throws {DockerError} when Docker does not run and the daemon has recorded one
 */
export async function findOwnDockerNetworks(
  settings: CleanupSettings,
  record: MadeRecord,
  signal: AbortSignal,
): Promise<Findings> {
  try {
    const networks = await findDockerNetworks(dockerEndpoint(settings), signal);
    return {
      leftovers: networks.map((network) => ({
        what: `Docker network ${network.name}`,
        obstacle: obstacleOf(network),
        delete: () => network.remove(),
      })),
    };
  } catch (error) {
    if (!(error instanceof DockerUnavailableError) || record.has({ kind: 'docker-network' })) throw error;
    return { leftovers: [] };
  }
}

function obstacleOf({ usedBy }: OwnedNetwork): string | undefined {
  if (usedBy.length === 0) return undefined;
  return `containers use it: ${usedBy.join(', ')}; remove them (docker rm --force) and repeat`;
}
