import type { Address, Family, Prefix } from '@flannel-ts/ip';

/** The network config that an operator writes under `<prefix>/config`, with defaults filled in. */
export interface NetworkConfig {
  /** `undefined` when `EnableIPv4` is false. */
  readonly ipv4?: FamilyNetwork | undefined;
  /** `undefined` unless `EnableIPv6` is true. */
  readonly ipv6?: FamilyNetwork | undefined;
  readonly enableNFTables: boolean;
  readonly backend: BackendConfig;
}

/** The cluster network of one address family and the range of subnets that hosts may lease. */
export interface FamilyNetwork {
  readonly family: Family;
  readonly network: Prefix;
  /** Prefix length of every lease. */
  readonly subnetLength: number;
  /** Network address of the lowest subnet. */
  readonly subnetMin: Address;
  /** Network address of the highest subnet, inclusive. */
  readonly subnetMax: Address;
}

/** The `Backend` object: its type in lower case and its other keys as they are, for the backend to read. */
export interface BackendConfig {
  readonly type: string;
  readonly options: { readonly [key: string]: unknown };
}

/** Returns the families that the config enables. */
export function enabledFamilies({ ipv4, ipv6 }: NetworkConfig): readonly Family[] {
  return [ipv4, ipv6].filter((network) => network !== undefined).map(({ family }) => family);
}
