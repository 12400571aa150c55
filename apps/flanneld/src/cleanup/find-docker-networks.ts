import { DockerUnavailableError, findDockerNetworks } from '@flannel-ts/docker-network';
import type { CommandContext } from '../command-context.ts';
import { dockerPlace } from '../docker-network.ts';
import type { CleanupSettings } from '../request.ts';
import type { Findings } from './steps.ts';

/** The Docker networks that a daemon with this etcd prefix made. One that containers use cannot be deleted. */
export async function findHostNetworks(
  settings: CleanupSettings,
  { signal }: Pick<CommandContext, 'signal'>,
): Promise<Findings> {
  try {
    const networks = await findDockerNetworks({ ...dockerPlace(settings), signal });
    return {
      leftovers: networks.map((network) => ({
        what: `Docker network ${network.name}`,
        details: network.usedBy.map((container) => `used by ${container}`),
        delete: async () => {
          const containers = network.usedBy.join(', ');
          if (!containers) return network.remove();
          throw new Error(`containers use it: ${containers}; remove them (docker rm --force) and repeat`);
        },
      })),
    };
  } catch (error) {
    if (!(error instanceof DockerUnavailableError)) throw error;
    return { leftovers: [], kept: [`Docker network: not looked for. ${error.message}`] };
  }
}
