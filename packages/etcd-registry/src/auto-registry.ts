import {
  RegistryUnavailableError,
  type CallOptions,
  type Clock,
  type LeaseEvent,
  type Logger,
  type Registry,
} from '@flannel-ts/subnet';
import { isApiMissing } from './failure.ts';
import type { Keys } from './keys.ts';
import type { Access } from './options.ts';
import { createOutage } from './outage.ts';
import { createV2Registry } from './v2/registry.ts';
import { speaksOnlyV2 } from './v2/version.ts';
import { createV3Registry } from './v3/registry.ts';

interface Finding {
  readonly api: 'v2' | 'v3';
  readonly config: string;
  readonly why: string;
}

/**
 * A registry over the API that the network config is found in, for as long as it is open. v3 comes first: v2
 * may hold what was left behind by a migration, so it is used only when v3 says that it has no config, or
 * when the cluster is too old to have v3.
 */
export function createAutoRegistry(
  components: { readonly log: Logger; readonly clock: Clock; readonly random: () => number },
  options: { readonly access: Access; readonly keys: Keys },
): Registry {
  const { log } = components;
  const { access, keys } = options;
  const apis = { v2: createV2Registry(components, options), v3: createV3Registry(components, options) };
  const closed = new AbortController();
  const untilClosed = ({ signal }: CallOptions = {}) =>
    signal ? AbortSignal.any([signal, closed.signal]) : closed.signal;
  let settled: Registry | undefined;

  /** Looks for the config; `undefined` while it is nowhere. */
  async function look(signal: AbortSignal): Promise<Finding | undefined> {
    let why = 'the network config is there and not in v3';
    try {
      const config = await apis.v3.readConfig({ signal });
      if (config !== undefined) return { api: 'v3', config, why: 'the network config is there' };
    } catch (error) {
      signal.throwIfAborted();
      if (!(await speaksOnlyV2(access, signal))) throw error;
      why = 'this etcd is too old for v3';
    }
    try {
      const config = await apis.v2.readConfig({ signal });
      return config === undefined ? undefined : { api: 'v2', config, why };
    } catch (error) {
      if (isApiMissing(error)) return undefined;
      throw error;
    }
  }

  async function readConfig(call?: CallOptions): Promise<string | undefined> {
    if (settled) return settled.readConfig(call);
    const found = await look(untilClosed(call));
    if (found) settleOn(found);
    return found?.config;
  }

  function settleOn({ api, why }: Finding): void {
    if (settled) return;
    settled = apis[api];
    log.info({ api, why }, `etcd's ${api} API is used: ${why}`);
  }

  /** The registry to use, once the config is somewhere. */
  async function settle(call?: CallOptions): Promise<Registry> {
    if (!settled) await readConfig(call);
    if (settled) return settled;
    throw new RegistryUnavailableError(
      `no network config in etcd yet, neither in v3 nor in v2; write it to ${keys.config}`,
    );
  }

  /** Waits for the config as for the end of an outage. */
  async function* watch(signal: AbortSignal): AsyncGenerator<LeaseEvent> {
    const outage = createOutage(components);
    let registry: Registry | undefined;
    while (!registry) {
      if (signal.aborted) return;
      try {
        registry = await settle({ signal });
      } catch (error) {
        await outage.failed(error, signal);
      }
    }
    outage.over();
    yield* registry.watchLeases({ signal });
  }

  return {
    readConfig,
    readSnapshot: async (call) => (await settle(call)).readSnapshot(call),
    readLease: async (subnets, call) => (await settle(call)).readLease(subnets, call),
    readLeases: async (call) => (await settle(call)).readLeases(call),
    createLease: async (request, call) => (await settle(call)).createLease(request, call),
    updateLease: async (lease, update, call) => (await settle(call)).updateLease(lease, update, call),
    deleteLease: async (lease, call) => (await settle(call)).deleteLease(lease, call),
    watchLeases: (call) => watch(untilClosed(call)),
    async [Symbol.asyncDispose]() {
      closed.abort(new Error('the registry was closed'));
      await Promise.all(Object.values(apis).map((api) => api[Symbol.asyncDispose]()));
    },
  };
}
