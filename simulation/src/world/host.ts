import type { Lease, LeaseAttributes, LeaseKeeper } from '@flannel-ts/subnet';
import type { SubnetPair } from '@flannel-ts/ip';
import type { Network, Path, Weather } from '../registry/network.ts';
import { createNetwork, GOOD_PATH } from '../registry/network.ts';
import type { Watch } from '../registry/watch.ts';
import { createHostTime, type HostTime } from './host-time.ts';
import { createKernel, type Kernel } from './kernel.ts';
import { createRandom, type RandomSource } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { createTroubles, type Troubles } from './troubles.ts';

/** One machine of the cluster, with what outlives its daemons. */
export interface Host {
  readonly name: string;
  readonly index: number;
  readonly time: HostTime;
  readonly random: RandomSource;
  readonly path: Path;
  readonly network: Network;
  readonly kernel: Kernel;
  readonly watches: Set<Watch>;
  /** When this host could not reach the registry. */
  readonly troubles: Troubles;
  publicIp: LeaseAttributes['publicIp'];
  /** The texts of all public IPv4 addresses that it has had, by which its leases are known. */
  readonly addresses: Set<string | undefined>;
  /** What subnet.env holds. */
  previous: SubnetPair | undefined;
  /** The daemon that runs now. */
  daemon: DaemonState | undefined;
}

/** What is known of a running daemon. */
export interface DaemonState {
  readonly abort: AbortController;
  /** Ends its generation, as a change of what the daemon is made from does; the next one begins at once. */
  generation: AbortController;
  /** What keeps the lease, or kept the last one. */
  keeper: LeaseKeeper | undefined;
  /** The lease that it believes to hold. */
  held: Lease | undefined;
  /** The key of {@link held}. */
  heldKey: string | undefined;
}

export function createHost(
  components: { readonly scheduler: Scheduler; readonly seed: string; readonly weather: Weather },
  options: { readonly index: number; readonly driftPpm: number; readonly publicIp: Host['publicIp'] },
): Host {
  const { scheduler, seed, weather } = components;
  const name = `host-${options.index + 1}`;
  const random = createRandom(`${seed}/${name}`);
  const time = createHostTime(scheduler, options);
  const path: Path = { ...GOOD_PATH };
  const troubles = createTroubles(scheduler);
  const network = createNetwork(
    { scheduler, time, random: createRandom(`${seed}/${name}/network`) },
    { weather, path, onFailure: troubles.failed },
  );
  return {
    ...{ name, index: options.index, time, random, path, network, troubles },
    kernel: createKernel(macOf(options.index, 0)),
    watches: new Set(),
    publicIp: options.publicIp,
    addresses: new Set([options.publicIp.ipv4?.toString()]),
    previous: undefined,
    daemon: undefined,
  };
}

/** Gives a host another public address of one family or both. */
export function readdress(host: Host, publicIp: Host['publicIp']): void {
  host.publicIp = { ...host.publicIp, ...publicIp };
  host.addresses.add(addressOf(host));
}

/** Returns the MAC address of the VXLAN device that a host has after so many reboots. */
export function macOf(index: number, reboots: number): string {
  const bytes = [0x02, 0, reboots >> 8, reboots & 255, index >> 8, index & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Returns the text of a host's public IPv4 address, by which the registry knows it. */
export function addressOf({ publicIp }: Host): string | undefined {
  return publicIp.ipv4?.toString();
}
