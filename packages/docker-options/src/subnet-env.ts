import { readFile } from 'node:fs/promises';
import {
  AddressError,
  parseInterfaceAddress,
  parsePrefix,
  type Family,
  type InterfaceAddress,
  type Prefix,
} from '@flannel-ts/ip';
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

/** A line of an old file that cannot be used. */
export interface SubnetEnvProblem {
  /** From 1. */
  readonly line: number;
  /** The variable that the line sets; `undefined` when it sets none. */
  readonly variable: string | undefined;
  readonly problem: string;
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
 * Reads subnet.env, as it is or as a shell would: values may be quoted or exported. Lines that make no sense are
 * left out and named; unknown variables are not ours.
 */
export function parseSubnetEnv(text: string): {
  readonly env: SubnetEnv;
  readonly problems: readonly SubnetEnvProblem[];
} {
  let env: SubnetEnv = {};
  const problems: SubnetEnvProblem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    try {
      env = { ...env, ...parseLine(line) };
    } catch (error) {
      if (!(error instanceof AddressError || error instanceof RangeError)) throw error;
      problems.push({
        line: index + 1,
        variable: ASSIGNMENT.exec(line.trim())?.[1],
        problem: error.message,
      });
    }
  }
  return { env, problems };
}

/** What the file says, or nothing when it is missing. */
export async function readSubnetEnv(path: string): Promise<ReturnType<typeof parseSubnetEnv>> {
  try {
    return parseSubnetEnv(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { env: {}, problems: [] };
    throw error;
  }
}

/** Writes the file at once: a reader sees the old text or the new one. Mode 0644; the directory is made. */
export async function writeSubnetEnv(path: string, env: SubnetEnv): Promise<void> {
  await writeFileAtomically(path, formatSubnetEnv(env));
}

function parseLine(line: string): SubnetEnv {
  const [, name, text] = ASSIGNMENT.exec(line.trim()) ?? [];
  if (!name || text === undefined) throw new RangeError(`${JSON.stringify(line)} is no NAME=value`);
  const value = unquote(text);
  // A shell takes a variable that is set to nothing for one that is not set, and so do those who read this.
  return value === '' ? {} : parseVariable(name, value);
}

/** Other writers quote values, and export them. */
const ASSIGNMENT = /^(?:export\s+)?(\w+)=(.*)$/;

function unquote(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
}

function parseVariable(name: string, value: string): SubnetEnv {
  switch (name) {
    case 'FLANNEL_NETWORK':
      return { network: ofFamily(4, name, parsePrefix(value)) };
    case 'FLANNEL_SUBNET':
      return { subnet: parseSubnet(4, name, value) };
    case 'FLANNEL_IPV6_NETWORK':
      return { ipv6Network: ofFamily(6, name, parsePrefix(value)) };
    case 'FLANNEL_IPV6_SUBNET':
      return { ipv6Subnet: parseSubnet(6, name, value) };
    case 'FLANNEL_MTU':
      if (/^[1-9]\d{0,5}$/.test(value)) return { mtu: Number(value) };
      throw new RangeError(`FLANNEL_MTU must be a number of bytes, not ${JSON.stringify(value)}`);
    case 'FLANNEL_IPMASQ':
      if (value === 'true' || value === 'false') return { ipMasq: value === 'true' };
      throw new RangeError(`FLANNEL_IPMASQ must be true or false, not ${JSON.stringify(value)}`);
    default:
      return {};
  }
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
