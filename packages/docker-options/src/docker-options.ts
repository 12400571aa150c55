import { formatInterfaceAddress, type SubnetEnv } from './subnet-env.ts';
import type { Variables } from './assignment-reader.ts';
import { writeOutput } from './write-file.ts';

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
  /**
   * Variables that are set already. Those named `DOCKER_OPT_…` are options too, but for the three that the
   * subnet decides; the value of the combined one stays in front. @default none
   */
  readonly variables?: Variables;
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
 * The Docker daemon's options for a subnet, as shell variables in the order of their names, line for line as
 * upstream's mk-docker-opts. Docker masquerades exactly when flannel does not.
 * @throws {CombinedKeyError}
 */
export function formatDockerOptions(env: SubnetEnv, format: DockerOptionsFormat = {}): string {
  const {
    individual = true,
    combined = true,
    combinedKey = 'DOCKER_OPTS',
    ipMasq = true,
    variables = {},
  } = format;
  if (!/^[A-Za-z_]\w*$/.test(combinedKey)) throw new CombinedKeyError(combinedKey);
  const options = Object.entries({ ...presentOptions(variables), ...subnetOptions(env, ipMasq) }).sort(
    byName,
  );
  const lines = individual ? options.map(([name, option]) => assignment(name, option)) : [];
  if (combined) {
    const present = variables[combinedKey];
    const all = options.map(([, option]) => ` ${option}`).join('');
    lines.push(assignment(combinedKey, present ? `${present} ${all}` : all));
  }
  return lines.join('');
}

/**
 * Writes {@link formatDockerOptions} for Docker's unit to read (`EnvironmentFile=`). A file is replaced in one
 * step and keeps its mode and owner; a new one has mode 0644, and its directory is made. Links are followed;
 * devices and FIFOs are written to. Without a format it is what `mk-docker-opts -d PATH` writes, with
 * `combinedKey` what `mk-docker-opts -d PATH -k KEY` writes, where no option is set already.
 * @throws {CombinedKeyError}
 */
export async function writeDockerOptions(
  path: string,
  env: SubnetEnv,
  format: DockerOptionsFormat = {},
): Promise<void> {
  await writeOutput(path, formatDockerOptions(env, format), { waits: false });
}

function subnetOptions({ subnet, ipMasq, mtu }: SubnetEnv, withIpMasq: boolean): Record<string, string> {
  return {
    ...(subnet && { DOCKER_OPT_BIP: `--bip=${formatInterfaceAddress(subnet)}` }),
    ...(withIpMasq && ipMasq !== undefined && { DOCKER_OPT_IPMASQ: `--ip-masq=${!ipMasq}` }),
    ...(mtu !== undefined && { DOCKER_OPT_MTU: `--mtu=${mtu}` }),
  };
}

function presentOptions(variables: Variables): Record<string, string> {
  const entries = Object.entries(variables).filter(([name]) => /^DOCKER_OPT_\w*$/.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function assignment(name: string, value: string): string {
  return `${name}="${escapeQuoted(value)}"\n`;
}

/** What a shell and systemd read back as `text` from between double quotes. */
function escapeQuoted(text: string): string {
  return text.replaceAll(/[\\"$`]/g, String.raw`\$&`);
}
