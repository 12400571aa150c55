import type { Underlay } from '@flannel-ts/backend';
import type { NetlinkConnection } from '@flannel-ts/netlink';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';
import { findUnderlay, UnderlayMissingError, type UnderlayChoice } from './underlay.ts';

/** Milliseconds between reminders in the log that no interface fits. */
const REMINDER_MS = 60_000;

/**
 * Finds the underlay interface, or waits until links, addresses and routes of the host have one.
 * @throws {Error} for flags that no interface can ever fit, see {@link findUnderlay}
 */
export async function waitForUnderlay(
  components: {
    readonly netlink: NetlinkConnection;
    readonly conditions: Conditions;
    readonly log: Logger;
  },
  choice: UnderlayChoice,
  { signal, reminderMs = REMINDER_MS }: { readonly signal: AbortSignal; readonly reminderMs?: number },
): Promise<Underlay> {
  const { netlink, conditions, log } = components;
  const stop = new AbortController();
  // The subscription is there before the first look, so that no change is missed in between.
  const changes = netlink
    .subscribe({ signal: AbortSignal.any([signal, stop.signal]), of: ['link', 'address', 'route'] })
    [Symbol.asyncIterator]();
  const remind = () => log.warn({}, 'still waiting for the underlay interface');
  let reminder: NodeJS.Timeout | undefined;
  try {
    for (;;) {
      const found = await lookForUnderlay(netlink, choice);
      if (!(found instanceof UnderlayMissingError)) {
        conditions.report('underlay', 'ok');
        return found;
      }
      conditions.report('underlay', 'failing', found.message);
      reminder ??= setInterval(remind, reminderMs);
      await changes.next();
      signal.throwIfAborted();
    }
  } finally {
    clearInterval(reminder);
    stop.abort();
  }
}

async function lookForUnderlay(
  netlink: NetlinkConnection,
  choice: UnderlayChoice,
): Promise<Underlay | UnderlayMissingError> {
  try {
    return await findUnderlay(netlink, choice);
  } catch (error) {
    if (error instanceof UnderlayMissingError) return error;
    throw error;
  }
}
