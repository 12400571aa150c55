import type { Backend } from '@flannel-ts/backend';
import {
  formatDockerOptions,
  formatSubnetEnv,
  readSubnetEnv,
  writeDockerOptions,
  writeSubnetEnv,
  type SubnetEnv,
} from '@flannel-ts/docker-options';
import type { SubnetPair } from '@flannel-ts/ip';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';
import type { DesiredFile } from './keep-files.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

/** What an earlier subnet.env says; what it says wrongly, or that it cannot be read, is named in the log. */
export async function readSubnetFile(path: string, log: Logger): Promise<SubnetEnv> {
  try {
    const { env, problems } = await readSubnetEnv(path);
    for (const problem of problems) log.warn({ file: path, ...problem }, 'bad line; skipped');
    return env;
  } catch (error) {
    log.warn({ file: path, error }, 'the file cannot be read; this host has no former subnet');
    return {};
  }
}

/** The subnet that this host had before. */
export function previousSubnet({ subnet, ipv6Subnet }: SubnetEnv): SubnetPair | undefined {
  return subnet && { ipv4: subnet.prefix, ipv6: ipv6Subnet?.prefix };
}

/** What subnet.env says, for a host with this lease. */
export function subnetEnv(
  settings: Settings,
  {
    config,
    lease,
    backend,
  }: { readonly config: NetworkConfig; readonly lease: Lease; readonly backend: Pick<Backend, 'mtu'> },
): SubnetEnv {
  // The host takes the first usable address of its subnet.
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

/** The files that tell Docker and others this host's subnet: subnet.env and, if asked, Docker's options. */
export function subnetFiles(settings: Settings, env: SubnetEnv): DesiredFile[] {
  const path = settings['subnet-file'];
  const files = [{ path, text: formatSubnetEnv(env), write: () => writeSubnetEnv(path, env) }];
  const dockerFile = settings['docker-opts-file'];
  if (!dockerFile) return files;
  // The subnet is docker0's or the Docker network's; with a network, docker0 is left as Docker has it.
  const options = settings['docker-network'] ? {} : env;
  const format = { combinedKey: settings['docker-opts-key'] };
  const text = formatDockerOptions(options, format);
  return [...files, { path: dockerFile, text, write: () => writeDockerOptions(dockerFile, options, format) }];
}
