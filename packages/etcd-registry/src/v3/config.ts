import type { CallOptions } from '@flannel-ts/subnet';
import type { IKeyValue } from 'etcd3';
import type { Keys } from '../keys.ts';
import type { Config } from '../ledger.ts';
import type { Connection } from './connection.ts';

/** Reads the network config, and etcd's revision at that time. */
export async function readConfig(
  connection: Connection,
  keys: Keys,
  options?: CallOptions,
): Promise<Config & { readonly revision: bigint }> {
  const key = Buffer.from(keys.config);
  const { kvs, header } = await connection.call(
    ({ member, request }) => member.client.kv.range({ key }, request),
    options,
  );
  return { ...toConfig(kvs[0]), revision: BigInt(header.revision) };
}

/** Returns the config that a key holds, or that there is none. */
export function toConfig(kv: IKeyValue | undefined): Config {
  return { text: kv?.value.toString(), version: kv?.mod_revision };
}
