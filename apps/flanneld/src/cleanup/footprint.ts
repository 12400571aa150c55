import type { SubnetEnv } from '@flannel-ts/docker-options';
import type { Prefix } from '@flannel-ts/ip';
import type { LeasedOverlay } from '../leased-overlays.ts';
import type { Logger } from '../log.ts';
import { openMadeRecord, type MadeRecord } from '../made-record.ts';
import { readSubnetFile } from '../subnet-files.ts';

/** By what the things of one network's daemon are known on this host. */
export interface Footprint {
  /** From subnet.env and the record, former ones included. */
  readonly overlays: readonly LeasedOverlay[];
  /** Empty where upstream's daemon ran, which records nothing. */
  readonly record: MadeRecord;
}

export async function readFootprint(subnetFile: string, log: Logger): Promise<Footprint> {
  return footprintOf(await readSubnetFile(subnetFile, log), openMadeRecord(subnetFile));
}

/** @param env - what subnet.env says */
export function footprintOf(env: SubnetEnv, record: MadeRecord): Footprint {
  const families: readonly [Prefix | undefined, Prefix | undefined][] = [
    [env.network, env.subnet?.prefix],
    [env.ipv6Network, env.ipv6Subnet?.prefix],
  ];
  const current = families.flatMap(([network, subnet]) => (network && subnet ? [{ network, subnet }] : []));
  // No daemon serves every address: such a line would make all networks of the host ours.
  const overlays = [...current, ...record.overlays].filter(({ network }) => network.length > 0);
  return { overlays, record };
}
