import { createBackoff } from '@flannel-ts/backoff';
import { RegistryUnavailableError, type CallOptions, type LeaseEvent } from '@flannel-ts/subnet';
import { findApi, type Finding } from './find-api.ts';
import type { Outages } from './outages.ts';
import {
  FIRST_DELAY_MS,
  type EtcdRegistry,
  type RegistryComponents,
  type RegistrySettings,
} from './registry.ts';
import { createV2Registry } from './v2/registry.ts';
import { createV3Registry } from './v3/registry.ts';

/** A registry over the API that the network config is found in, for as long as it is open. */
export function createAutoRegistry(components: RegistryComponents, settings: RegistrySettings): EtcdRegistry {
  const { log, clock, random, reconnects } = components;
  let settled: EtcdRegistry | undefined;
  // Watches that only look for the config do not report that an API is missing.
  const outages: Outages = { add: () => (settled ? components.outages.add() : UNREPORTED) };
  const apis = {
    v2: createV2Registry({ ...components, outages }, settings),
    v3: createV3Registry({ ...components, outages }, settings),
  };
  const closed = new AbortController();
  const untilClosed = ({ signal }: CallOptions = {}) =>
    signal ? AbortSignal.any([signal, closed.signal]) : closed.signal;

  async function readConfig(call?: CallOptions): Promise<string | undefined> {
    if (settled) return settled.readConfig(call);
    const found = await findApi(apis, settings.access, { signal: untilClosed(call) });
    if (found) settleOn(found);
    return found?.config;
  }

  function settleOn({ api, why }: Finding): void {
    if (settled) return;
    settled = apis[api];
    log.info({ api, why }, `etcd's ${api} API is used: ${why}`);
  }

  /** The registry to use, once the config is somewhere. */
  async function settle(call?: CallOptions): Promise<EtcdRegistry> {
    if (!settled) await readConfig(call);
    if (settled) return settled;
    throw new RegistryUnavailableError(
      `no network config in etcd yet, neither in v3 nor in v2; write it to ${settings.keys.config}`,
    );
  }

  /** Looks for the config until it is somewhere, and yields the registry then; before, `undefined` for each answer. */
  async function* search(signal: AbortSignal): AsyncGenerator<EtcdRegistry | undefined> {
    if (settled) {
      yield settled;
      return;
    }
    const left = new AbortController();
    const over = AbortSignal.any([signal, left.signal]);
    const shown = signalOfConfig(Object.values(apis), over);
    const outage = components.outages.add();
    const backoff = createBackoff({ random, firstMs: FIRST_DELAY_MS });
    try {
      for (;;) {
        const change = shown.next();
        const either = AbortSignal.any([over, reconnects.next()]);
        try {
          await readConfig({ signal });
          outage.over();
          yield settled;
        } catch (error) {
          if (signal.aborted) return;
          outage.failed(error instanceof Error ? error.message : String(error));
        }
        const delay = clock.delay(backoff.next(), { signal: either }).catch(() => undefined);
        await Promise.race([delay, change]);
      }
    } finally {
      left.abort();
      outage.remove();
    }
  }

  async function* watchLeases(signal: AbortSignal): AsyncGenerator<LeaseEvent> {
    let found: EtcdRegistry | undefined;
    for await (found of search(signal)) if (found) break;
    if (found) yield* found.watchLeases({ signal });
  }

  async function* watchConfig(signal: AbortSignal): AsyncGenerator<string | undefined> {
    let found: EtcdRegistry | undefined;
    let answers = 0;
    for await (found of search(signal)) {
      if (found) break;
      if (answers++ === 0) yield undefined;
    }
    if (found) yield* found.watchConfig({ signal });
  }

  return {
    readConfig,
    readSnapshot: async (call) => (await settle(call)).readSnapshot(call),
    readLease: async (subnets, call) => (await settle(call)).readLease(subnets, call),
    readLeases: async (call) => (await settle(call)).readLeases(call),
    createLease: async (request, call) => (await settle(call)).createLease(request, call),
    updateLease: async (lease, update, call) => (await settle(call)).updateLease(lease, update, call),
    deleteLease: async (lease, call) => (await settle(call)).deleteLease(lease, call),
    watchLeases: (call) => watchLeases(untilClosed(call)),
    watchConfig: (call) => watchConfig(untilClosed(call)),
    reconnect() {
      for (const api of Object.values(apis)) api.reconnect();
    },
    async [Symbol.asyncDispose]() {
      closed.abort(new Error('the registry was closed'));
      await Promise.all(Object.values(apis).map((api) => api[Symbol.asyncDispose]()));
    },
  };
}

const UNREPORTED = { failed: () => undefined, over: () => undefined, remove: () => undefined };

/** Watches the config in several registries; `next` resolves when one of them shows a config from then on. */
function signalOfConfig(registries: readonly EtcdRegistry[], signal: AbortSignal): { next(): Promise<void> } {
  let shown = Promise.withResolvers<void>();
  const watch = async (registry: EtcdRegistry) => {
    for await (const config of registry.watchConfig({ signal })) if (config !== undefined) shown.resolve();
  };
  for (const registry of registries) watch(registry).catch(() => undefined);
  return {
    next() {
      shown = Promise.withResolvers();
      return shown.promise;
    },
  };
}
