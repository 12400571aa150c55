import {
  AddressError,
  parseInterfaceAddress,
  parsePrefix,
  type Family,
  type InterfaceAddress,
  type Prefix,
} from '@flannel-ts/ip';
import { readFileIfPresent } from './read-file.ts';
import { parseAssignments, type AssignmentProblem } from './shell-assignments.ts';
import { writeFileAtomically } from './write-file.ts';

/** What subnet.env tells Docker, CNI plugins and the next start of the daemon. */
export interface SubnetEnv {
  readonly network?: Prefix | undefined;
  /** The host's own address in its subnet, which Docker's bridge takes. */
  readonly subnet?: InterfaceAddress | undefined;
  readonly ipv6Network?: Prefix | undefined;
  readonly ipv6Subnet?: InterfaceAddress | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  readonly ipMasq?: boolean | undefined;
}

/** The file's text, line for line as upstream writes it. Families that are not enabled are left out. */
export function formatSubnetEnv(env: SubnetEnv): string {
  const lines = {
    FLANNEL_NETWORK: env.network?.toString(),
    FLANNEL_SUBNET: env.subnet && formatInterfaceAddress(env.subnet),
    FLANNEL_IPV6_NETWORK: env.ipv6Network?.toString(),
    FLANNEL_IPV6_SUBNET: env.ipv6Subnet && formatInterfaceAddress(env.ipv6Subnet),
    FLANNEL_MTU: env.mtu,
    FLANNEL_IPMASQ: env.ipMasq,
  };
  return Object.entries(lines)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}\n`)
    .join('');
}

/**
 * Reads subnet.env as a shell would that sources it, without running anything: quotes, `export`, comments,
 * several assignments on a line, `$NAME`. The last assignment of a variable counts. What cannot be used is left out and named; unknown variables are ignored.
 */
export function parseSubnetEnv(text: string): {
  readonly env: SubnetEnv;
  readonly problems: readonly AssignmentProblem[];
} {
  const { assignments, problems } = parseAssignments(text);
  const last = new Map(assignments.map((assignment) => [assignment.name, assignment]));
  const { env, errors } = interpretVariables((name) => last.get(name)?.value);
  const bad = errors.map(({ variable, problem }) => ({ line: last.get(variable)!.line, variable, problem }));
  return { env, problems: [...problems, ...bad].sort((a, b) => a.line - b.line) };
}

/** What the file says, or nothing when it is missing. */
export async function readSubnetEnv(path: string): Promise<ReturnType<typeof parseSubnetEnv>> {
  return parseSubnetEnv((await readFileIfPresent(path)) ?? '');
}

/** Writes the file at once: a reader sees the old text or the new one. Mode 0644; the directory is made. */
export async function writeSubnetEnv(path: string, env: SubnetEnv): Promise<void> {
  await writeFileAtomically(path, formatSubnetEnv(env));
}

/**
 * What variables say about a subnet. An empty one counts as not set, as a shell script takes it.
 * `errors` names the variables that cannot be used.
 */
export function interpretVariables(valueOf: (name: string) => string | undefined): {
  readonly env: SubnetEnv;
  readonly errors: readonly { readonly variable: string; readonly problem: string }[];
} {
  const errors: { variable: string; problem: string }[] = [];
  const read = <Value>(variable: string, parse: (text: string) => Value): Value | undefined => {
    const text = valueOf(variable);
    try {
      return text ? parse(text) : undefined;
    } catch (error) {
      if (!(error instanceof AddressError || error instanceof RangeError)) throw error;
      const problem = error instanceof AddressError ? `${variable}: ${error.message}` : error.message;
      errors.push({ variable, problem });
      return undefined;
    }
  };
  const env = {
    network: read('FLANNEL_NETWORK', (text) => ofFamily(4, 'FLANNEL_NETWORK', parsePrefix(text))),
    subnet: read('FLANNEL_SUBNET', (text) => parseSubnet(4, 'FLANNEL_SUBNET', text)),
    ipv6Network: read('FLANNEL_IPV6_NETWORK', (text) =>
      ofFamily(6, 'FLANNEL_IPV6_NETWORK', parsePrefix(text)),
    ),
    ipv6Subnet: read('FLANNEL_IPV6_SUBNET', (text) => parseSubnet(6, 'FLANNEL_IPV6_SUBNET', text)),
    mtu: read('FLANNEL_MTU', parseMtu),
    ipMasq: read('FLANNEL_IPMASQ', parseIpMasq),
  };
  return { env, errors };
}

function parseMtu(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new RangeError(`FLANNEL_MTU must be a number of bytes, not ${JSON.stringify(text)}`);
}

function parseIpMasq(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new RangeError(`FLANNEL_IPMASQ must be true or false, not ${JSON.stringify(text)}`);
}

function parseSubnet(family: Family, name: string, value: string): InterfaceAddress {
  const subnet = parseInterfaceAddress(value);
  ofFamily(family, name, subnet.prefix);
  return subnet;
}

function ofFamily(family: Family, name: string, prefix: Prefix): Prefix {
  if (prefix.family === family) return prefix;
  throw new RangeError(`${name} must be IPv${family}, not ${prefix.toString()}`);
}

/** `10.5.69.1/24` */
export function formatInterfaceAddress({ address, prefix }: InterfaceAddress): string {
  return `${address.toString()}/${prefix.length}`;
}
