import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '@flannel-ts/backoff';
import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import type { Family } from '@flannel-ts/ip';
import { enabledFamilies, type LeaseKeeper } from '@flannel-ts/subnet';
import { createConditions, type Condition } from './conditions.ts';
import { closeDockerNetwork } from './firewall.ts';
import { runGeneration, type DaemonStatus } from './generation.ts';
import { createGenerationEnd } from './generation-end.ts';
import { serveHealth } from './health.ts';
import { keepLatest } from './latest.ts';
import type { Logger } from './log.ts';
import { openMadeRecord } from './made-record.ts';
import { openRegistry } from './open-registry.ts';
import { reportRegistryEvent } from './report-events.ts';
import type { Settings } from './request.ts';
import { readSubnetFile } from './subnet-files.ts';
import type { TakenOver } from './take-over.ts';
import { underlayFacts } from './underlay.ts';
import { reportUnderlayOverlap } from './underlay-overlap.ts';
import { watchConfig } from './watch-config.ts';
import { describeUnderlay, watchUnderlay } from './watch-underlay.ts';

/** What the daemon needs from its process. */
export interface DaemonContext {
  readonly log: Logger;
  readonly taken: TakenOver;
  /** Ends the daemon; the kernel's state stays. */
  readonly signal: AbortSignal;
  /** Dispatches `reload` when certificates and passwords are to be read again. */
  readonly requests: EventTarget;
  /** Called by each generation when the lease is held, the data path is up and subnet.env is written. */
  readonly onReady: (status: DaemonStatus) => void;
  /** Called after every change of a part's condition. */
  readonly onConditions: (conditions: readonly Condition[]) => void;
}

/** Milliseconds that the parts of the daemon have for their end. */
const END_MS = 800;

/**
 * Runs until `signal` aborts, in generations: one ends when the underlay or the network config changes, when another
 * host takes the subnet, or when a part fails; then the next one begins.
 * @throws what no next generation can repair
 */
export async function runDaemon(settings: Settings, context: DaemonContext): Promise<void> {
  const { log, signal, taken } = context;
  const { backends } = taken;
  const { 'subnet-file': subnetFile, 'etcd-prefix': prefix } = settings;
  const stack = new AsyncDisposableStack();
  await using _bounded = disposeWithin(END_MS, stack);
  const conditions = stack.use(createConditions({ log, onChange: context.onConditions }));
  let ready = false;
  if (settings['healthz-port'] > 0) {
    const host = settings['healthz-ip']?.toString() ?? '0.0.0.0';
    const port = settings['healthz-port'];
    stack.use(await serveHealth({ host, port, ready: () => ready, conditions: conditions.list }));
  }
  const record = openMadeRecord(subnetFile, (problem) =>
    conditions.report('files', problem === '' ? 'ok' : 'degraded', problem, 'record'),
  );
  const earlier = await readSubnetFile(subnetFile, log);
  const closed = stack.use(await closeDockerNetwork(settings, { log, earlier }));
  const registry = stack.use(
    openRegistry(settings, { log, onEvent: (event) => reportRegistryEvent({ conditions }, event) }),
  );
  context.requests.addEventListener('reload', () => registry.reconnect(), { signal });
  const netlink = stack.use(createNetlink({ openPort: openNetlinkPort }));

  let families: readonly Family[] = [4, 6];
  const configs = stack.use(
    keepLatest(
      (during) =>
        watchConfig({ registry, conditions }, { prefix, backendTypes: backends.types, signal: during }),
      () => 'the network config changed',
      signal,
    ),
  );
  const underlays = stack.use(
    keepLatest(
      (during) =>
        watchUnderlay({ netlink, conditions }, settings, { families: () => families, signal: during }),
      (before, after) =>
        `the underlay was ${describeUnderlay(before, families)} and is ${describeUnderlay(after, families)}`,
      signal,
    ),
  );
  const end = createGenerationEnd({ log, conditions, backoff: createBackoff({ random: Math.random }) });
  let keeper: LeaseKeeper | undefined;
  for (;;) {
    const [underlay, latest] = await Promise.all([underlays.current(), configs.current()]);
    const config = end.choose(latest.value);
    families = enabledFamilies(config);
    log.info(underlayFacts(underlay.value), 'underlay interface');
    reportUnderlayOverlap(conditions, { underlay: underlay.value, config, prefix });
    const changed = AbortSignal.any([signal, underlay.replaced, latest.replaced]);
    try {
      await runGeneration(
        settings,
        { underlay: underlay.value, config, held: keeper?.lease, signal: changed },
        {
          ...{ log, conditions, registry, netlink, backends, record, stopped: signal },
          async onLeased(current) {
            keeper = current;
            taken.leased();
            await closed?.[Symbol.asyncDispose]();
          },
          onReady(status) {
            ready = true;
            end.reached(config);
            context.onReady(status);
          },
        },
      );
    } catch (error) {
      if (signal.aborted) return;
      await end.explain(error, { config, changed });
      signal.throwIfAborted();
    }
  }
}

/** Disposes of a stack, and leaves what takes longer than that to the end of the process. */
function disposeWithin(ms: number, stack: AsyncDisposableStack): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await Promise.race([stack.disposeAsync(), delay(ms)]);
    },
  };
}
