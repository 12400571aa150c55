import { setTimeout as delay } from 'node:timers/promises';
import type { KernelEvent, NetlinkConnection } from '@flannel-ts/netlink';
import { createDriftCollector, type DriftComponents } from './collect-drift.ts';
import type { DeviceEvent } from './events.ts';

/** Milliseconds until a broken subscription is made anew. */
const RETRY_MS = 1_000;

/**
 * Follows the kernel's own reports until `signal` aborts, and compares everything now and then. A
 * subscription that breaks is told and made anew, with a full compare for what was missed.
 */
export async function watchDrift(
  components: DriftComponents & {
    readonly netlink: NetlinkConnection;
    readonly onEvent: (event: DeviceEvent) => void;
  },
  options: { readonly signal: AbortSignal; readonly reconcileIntervalMs: number },
): Promise<void> {
  const { netlink, onEvent, reconcile } = components;
  const { signal } = options;
  using collector = createDriftCollector(components);
  const timer = setInterval(() => void reconcile(), options.reconcileIntervalMs).unref();
  while (!signal.aborted) {
    try {
      for await (const event of netlink.subscribe({ signal })) collector.add(event);
    } catch (error) {
      onEvent({ kind: 'failed', what: 'watch the kernel', error: error as Error });
      await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      collector.add(EVERYTHING);
    }
  }
  clearInterval(timer);
}

const EVERYTHING: KernelEvent = { kind: 'overrun' };
