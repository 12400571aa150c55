import type { SubnetEnv } from './subnet-env.ts';

/** Which lines {@link formatDockerOptions} writes. */
export interface DockerOptionsFormat {
  /** One variable per option: `DOCKER_OPT_BIP="--bip=…"`. */
  readonly individual: boolean;
  /** All options in one variable. */
  readonly combined: boolean;
  /** Name of that variable. @default 'DOCKER_OPTS' */
  readonly combinedKey?: string;
  /** Leaves `--ip-masq` out. @default true */
  readonly ipMasq?: boolean;
  /** Options that the combined variable has already; they stay in front. @default none */
  readonly existing?: string;
}

/**
 * The Docker daemon's options for a subnet, as shell variables, line for line as upstream's mk-docker-opts.
 * Docker masquerades exactly when flannel does not.
 */
export function formatDockerOptions(env: SubnetEnv, format: DockerOptionsFormat): string {
  const options = dockerOptions(env, format.ipMasq ?? true);
  const individual = Object.entries(options).map(([name, option]) => `DOCKER_OPT_${name}="${option}"\n`);
  const existing = format.existing ? `${format.existing} ` : '';
  const all = Object.values(options).map((option) => ` ${option}`);
  const combined = `${format.combinedKey ?? 'DOCKER_OPTS'}="${existing}${all.join('')}"\n`;
  return (format.individual ? individual.join('') : '') + (format.combined ? combined : '');
}

/** In the order of their names. */
function dockerOptions({ subnet, ipMasq, mtu }: SubnetEnv, withIpMasq: boolean): Record<string, string> {
  return {
    ...(subnet && { BIP: `--bip=${subnet.address.toString()}/${subnet.prefix.length}` }),
    ...(withIpMasq && ipMasq !== undefined && { IPMASQ: `--ip-masq=${!ipMasq}` }),
    ...(mtu !== undefined && { MTU: `--mtu=${mtu}` }),
  };
}
