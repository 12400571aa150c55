import { fullJitterMs } from '@flannel-ts/backoff';
import { setTimeout as delay } from 'node:timers/promises';
import type { NetlinkConnection } from '@flannel-ts/netlink';
import { createDriftCollector, type DriftComponents } from './collect-drift.ts';
import { createRepairSchedule, type RepairComponents } from './schedule-repairs.ts';

/** Milliseconds from the first compare to the second. */
const SETTLING_MS = 1_000;

export interface WatchComponents extends Omit<DriftComponents, 'schedule'>, RepairComponents {
  readonly netlink: NetlinkConnection;
  /** Called with what broke the subscription, and with `undefined` when there is one. */
  readonly onState: (error: Error | undefined) => void;
  readonly random: () => number;
}

/**
 * Follows the kernel's reports until `signal` aborts, and has everything compared now and then: after the first
 * compare for what changed before the subscription was there, later for reports that the kernel does not make.
 * A subscription that breaks is opened again with backoff, with a full compare for what was missed.
 */
export async function watchDrift(
  components: WatchComponents,
  options: { readonly signal: AbortSignal; readonly reconcileIntervalMs: number },
): Promise<void> {
  const { netlink, reconcile, onState, random } = components;
  const { signal } = options;
  using schedule = createRepairSchedule(components);
  const add = createDriftCollector({ ...components, schedule });
  const settling = setTimeout(reconcile, SETTLING_MS).unref();
  const interval = setInterval(reconcile, options.reconcileIntervalMs).unref();
  let attempts = 0;
  while (!signal.aborted) {
    try {
      const events = netlink.subscribe({ signal });
      onState(undefined);
      if (attempts > 0) schedule.everything();
      for await (const event of events) {
        attempts = 0;
        add(event);
      }
    } catch (error) {
      attempts++;
      onState(error as Error);
      await delay(fullJitterMs(attempts, { random }), undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    }
  }
  clearTimeout(settling);
  clearInterval(interval);
}
