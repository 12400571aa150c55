import { createHash } from 'node:crypto';
import type { Prefix } from '@flannel-ts/ip';
import { compareVersions, type ApiVersion, type CreateRequest, type ListedNetwork } from './docker-api.ts';

/** The network that Docker should have. */
export interface DesiredNetwork {
  /** As in `docker run --network NAME`. */
  readonly name: string;
  /** All of its addresses; the first one is the gateway, which the host's bridge takes. */
  readonly subnet: Prefix;
  /** MTU of the bridge and of the containers' interfaces in bytes. */
  readonly mtu: number;
}

/** The label that marks a network as one of ours; its value is the owner. */
export const OWNER_LABEL = 'flannel-ts.owner';

/**
 * The first API that knows the gateway mode `nat-unprotected`: that of engine 28.0, which is also the first
 * engine that drops what is routed to a container from outside of its bridge.
 */
const FIRST_WITH_UNPROTECTED: ApiVersion = [1, 48];

/** A name of an interface has at most 15 characters (the kernel's IFNAMSIZ, less the terminator). */
const LONGEST_STEM = 15 - '-br'.length;

/** The bridge of a network: `flannel-br`, and for a name too long for an interface its beginning and a hash. */
export function bridgeName(network: string): string {
  if (network.length <= LONGEST_STEM) return `${network}-br`;
  const hash = createHash('sha256').update(network).digest('hex');
  return `${network.slice(0, LONGEST_STEM - 6)}${hash.slice(0, 6)}-br`;
}

/** The request that creates the network on an engine with this API. */
export function createRequest(desired: DesiredNetwork, owner: string, api: ApiVersion): CreateRequest {
  return {
    Name: desired.name,
    CheckDuplicate: true,
    Driver: 'bridge',
    IPAM: { Driver: 'default', Config: [{ Subnet: desired.subnet.toString(), Gateway: gatewayOf(desired) }] },
    Options: driverOptions(desired, api),
    Labels: { [OWNER_LABEL]: owner },
  };
}

/** What is not as desired, in words for an operator: `MTU 1450 instead of 1400`. Empty when all is. */
export function differences(
  actual: ListedNetwork,
  desired: DesiredNetwork,
  api: ApiVersion,
): readonly string[] {
  const [config] = actual.ipam;
  const facts: readonly (readonly [what: string, is: string | undefined, should: string])[] = [
    ['name', actual.name, desired.name],
    ['driver', actual.driver, 'bridge'],
    ['subnet', config?.Subnet, desired.subnet.toString()],
    ['gateway', config?.Gateway, gatewayOf(desired)],
    ...Object.entries(driverOptions(desired, api)).map(
      ([option, should]) => [option, actual.options[option], should] as const,
    ),
  ];
  return facts
    .filter(([, is, should]) => is !== should)
    .map(([what, is, should]) => `${what} ${is ?? 'not set'} instead of ${should}`);
}

/**
 * Docker neither masquerades nor, where it would, drops what other hosts route here: containers of the
 * overlay see each other's addresses.
 */
function driverOptions({ name, mtu }: DesiredNetwork, api: ApiVersion): Readonly<Record<string, string>> {
  return {
    'com.docker.network.driver.mtu': String(mtu),
    'com.docker.network.bridge.name': bridgeName(name),
    'com.docker.network.bridge.enable_ip_masquerade': 'false',
    ...(compareVersions(api, FIRST_WITH_UNPROTECTED) >= 0 && {
      'com.docker.network.bridge.gateway_mode_ipv4': 'nat-unprotected',
    }),
  };
}

function gatewayOf({ subnet }: DesiredNetwork): string {
  return subnet.network.offset(1).toString();
}
