import type { Backend } from '@flannel-ts/backend';
import {
  readSubnetEnv,
  writeDockerOptions,
  writeSubnetEnv,
  type SubnetEnv,
} from '@flannel-ts/docker-options';
import type { SubnetPair } from '@flannel-ts/ip';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

/** What an earlier subnet.env says; what it says wrongly is named in the log. */
export async function readSubnetFile(path: string, log: Logger): Promise<SubnetEnv> {
  const { env, problems } = await readSubnetEnv(path);
  for (const problem of problems) log.warn({ file: path, ...problem }, 'bad line; skipped');
  return env;
}

/** The subnet that this host had before. */
export function previousSubnet({ subnet, ipv6Subnet }: SubnetEnv): SubnetPair | undefined {
  return subnet && { ipv4: subnet.prefix, ipv6: ipv6Subnet?.prefix };
}

/** Tells Docker and others this host's subnet: subnet.env, which is returned, and, if asked, Docker's options. */
export async function writeSubnetFiles(
  settings: Settings,
  facts: { readonly config: NetworkConfig; readonly lease: Lease; readonly backend: Pick<Backend, 'mtu'> },
): Promise<SubnetEnv> {
  const env = subnetEnv(settings, facts);
  await writeSubnetEnv(settings['subnet-file'], env);
  const dockerFile = settings['docker-opts-file'];
  // The subnet is docker0's or the Docker network's; with a network, docker0 is left as Docker has it.
  const options = settings['docker-network'] ? {} : env;
  if (dockerFile) await writeDockerOptions(dockerFile, options, { combinedKey: settings['docker-opts-key'] });
  return env;
}

/** The host takes the first usable address of its subnet. */
function subnetEnv(
  settings: Settings,
  { config, lease, backend }: Parameters<typeof writeSubnetFiles>[1],
): SubnetEnv {
  const hostAddress = (prefix: SubnetPair['ipv4']) => prefix && { address: prefix.network.offset(1), prefix };
  return {
    network: config.ipv4?.network,
    subnet: hostAddress(lease.subnets.ipv4),
    ipv6Network: config.ipv6?.network,
    ipv6Subnet: hostAddress(lease.subnets.ipv6),
    mtu: backend.mtu,
    ipMasq: settings['ip-masq'],
  };
}
