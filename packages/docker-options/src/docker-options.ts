import { formatInterfaceAddress, type SubnetEnv } from './subnet-env.ts';
import { writeFileAtomically } from './write-file.ts';

/** Which lines {@link formatDockerOptions} writes. */
export interface DockerOptionsFormat {
  /** One variable per option: `DOCKER_OPT_BIP="--bip=…"`. @default true */
  readonly individual?: boolean;
  /** All options in one variable. @default true */
  readonly combined?: boolean;
  /** Name of that variable. @default 'DOCKER_OPTS' */
  readonly combinedKey?: string;
  /** Leaves `--ip-masq` out when false. @default true */
  readonly ipMasq?: boolean;
  /** Options that the combined variable has already; they stay in front. @default none */
  readonly existing?: string | undefined;
}

/** The name of a combined variable that no shell and no systemd would read. */
export class CombinedKeyError extends Error {
  readonly key: string;

  constructor(key: string) {
    super(
      `${JSON.stringify(key)} is no name of a variable (want letters, digits and _, such as DOCKER_NETWORK_OPTIONS)`,
    );
    this.name = 'CombinedKeyError';
    this.key = key;
  }
}

/**
 * The Docker daemon's options for a subnet, as shell variables, line for line as upstream's mk-docker-opts.
 * Docker masquerades exactly when flannel does not.
 * @throws {CombinedKeyError}
 */
export function formatDockerOptions(env: SubnetEnv, format: DockerOptionsFormat = {}): string {
  const { individual = true, combined = true, combinedKey = 'DOCKER_OPTS', ipMasq = true, existing } = format;
  if (!/^[A-Za-z_]\w*$/.test(combinedKey)) throw new CombinedKeyError(combinedKey);
  const options = dockerOptions(env, ipMasq);
  const lines = individual
    ? Object.entries(options).map(([name, option]) => `DOCKER_OPT_${name}="${option}"\n`)
    : [];
  if (combined) {
    const before = existing ? `${escapeQuoted(existing)} ` : '';
    const all = Object.values(options).map((option) => ` ${option}`);
    lines.push(`${combinedKey}="${before}${all.join('')}"\n`);
  }
  return lines.join('');
}

/**
 * Writes {@link formatDockerOptions} for Docker's unit to read (`EnvironmentFile=`), atomically and with mode
 * 0644; directories are made. Without a format it is what `mk-docker-opts -d PATH` writes, with `combinedKey`
 * what `mk-docker-opts -d PATH -k KEY` writes.
 * @throws {CombinedKeyError}
 */
export async function writeDockerOptions(
  path: string,
  env: SubnetEnv,
  format: DockerOptionsFormat = {},
): Promise<void> {
  await writeFileAtomically(path, formatDockerOptions(env, format));
}

/** In the order of their names. */
function dockerOptions({ subnet, ipMasq, mtu }: SubnetEnv, withIpMasq: boolean): Record<string, string> {
  return {
    ...(subnet && { BIP: `--bip=${formatInterfaceAddress(subnet)}` }),
    ...(withIpMasq && ipMasq !== undefined && { IPMASQ: `--ip-masq=${!ipMasq}` }),
    ...(mtu !== undefined && { MTU: `--mtu=${mtu}` }),
  };
}

/** What a shell and systemd read back as `text` from between double quotes. */
function escapeQuoted(text: string): string {
  return text.replaceAll(/[\\"$`]/g, String.raw`\$&`);
}
