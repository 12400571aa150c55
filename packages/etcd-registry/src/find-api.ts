import type { CallOptions } from '@flannel-ts/subnet';
import { isApiMissing } from './failure.ts';
import type { Access } from './options.ts';
import type { EtcdRegistry } from './registry.ts';
import { speaksOnlyV2 } from './v2/version.ts';

/** The API that the network config is in. */
export interface Finding {
  readonly api: 'v2' | 'v3';
  readonly config: string;
  readonly why: string;
}

/**
 * Looks for the network config; returns `undefined` while it is nowhere. v3 comes first: v2 may hold what was
 * left behind by a migration, so it is used only when v3 says that it has no config, or when the cluster is
 * too old to have v3.
 * @throws {RegistryUnavailableError}
 */
export async function findApi(
  { v2, v3 }: { readonly v2: EtcdRegistry; readonly v3: EtcdRegistry },
  access: Access,
  options: CallOptions & { readonly signal: AbortSignal },
): Promise<Finding | undefined> {
  let why = 'the network config is there and not in v3';
  try {
    const config = await v3.readConfig(options);
    if (config !== undefined) return { api: 'v3', config, why: 'the network config is there' };
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(await speaksOnlyV2(access, options.signal))) throw error;
    why = 'this etcd is too old for v3';
  }
  try {
    const config = await v2.readConfig(options);
    return config === undefined ? undefined : { api: 'v2', config, why };
  } catch (error) {
    if (isApiMissing(error)) return undefined;
    throw error;
  }
}
