import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '@flannel-ts/backoff';
import type { Underlay } from '@flannel-ts/backend';
import { familyBits, type Family } from '@flannel-ts/ip';
import type { KernelEvent, NetlinkConnection } from '@flannel-ts/netlink';
import { bursts } from './bursts.ts';
import type { Conditions } from './conditions.ts';
import { UsageError } from './flag-value.ts';
import { messageOf } from './message-of.ts';
import { findUnderlay, UnderlayMissingError, type UnderlayChoice } from './underlay.ts';

/** A program that configures an interface makes several changes. */
const QUIET_MS = 100;

/**
 * Yields the underlay interface as soon as one fits the flags, and again whenever it differs in something that the
 * overlay is made from. While none fits, the condition `underlay` is failing and the last one stays in use.
 * @param options.families - the families that the overlay uses: addresses of others may change, as the privacy
 *   addresses of IPv6 do every day
 * @throws {UsageError} for flags that no interface can ever fit, see {@link findUnderlay}
 */
export async function* watchUnderlay(
  { netlink, conditions }: { readonly netlink: NetlinkConnection; readonly conditions: Conditions },
  choice: UnderlayChoice,
  { families, signal }: { readonly families: () => readonly Family[]; readonly signal: AbortSignal },
): AsyncGenerator<Underlay> {
  const backoff = createBackoff({ random: Math.random });
  let latest: Underlay | undefined;
  while (!signal.aborted) {
    const round = new AbortController();
    try {
      // The subscription is there before the first look, so that no change is missed in between.
      const changes = netlink.subscribe({
        signal: AbortSignal.any([signal, round.signal]),
        of: ['link', 'address', 'route'],
      });
      const matters = (event: KernelEvent) => mayChangeUnderlay(event, choice);
      const looks = bursts(changes, { quietMs: QUIET_MS, matters });
      do {
        const found = await lookForUnderlay({ netlink, conditions }, choice);
        if (found && !(latest && isSameUnderlay(latest, found, families()))) yield (latest = found);
        backoff.reset();
      } while (!(await looks.next()).done);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UsageError) throw error;
      const what = messageOf(error);
      conditions.report(
        'underlay',
        'failing',
        `the interfaces of the host cannot be read: ${what}`,
        'interface',
      );
      await delay(backoff.next(), undefined, { signal });
    } finally {
      round.abort();
    }
  }
}

async function lookForUnderlay(
  { netlink, conditions }: { readonly netlink: NetlinkConnection; readonly conditions: Conditions },
  choice: UnderlayChoice,
): Promise<Underlay | undefined> {
  try {
    const found = await findUnderlay(netlink, choice);
    conditions.report('underlay', 'ok', '', 'interface');
    return found;
  } catch (error) {
    if (!(error instanceof UnderlayMissingError)) throw error;
    conditions.report('underlay', 'failing', error.message, 'interface');
    return undefined;
  }
}

/** Routes of the overlay come by thousands; of the host's routes only those matter that may choose the interface. */
function mayChangeUnderlay(event: KernelEvent, choice: UnderlayChoice): boolean {
  return (
    event.kind !== 'route' || event.route.destination.length === 0 || choice['iface-can-reach'] !== undefined
  );
}

/** Whether a backend would be made the same from both. */
export function isSameUnderlay(one: Underlay, other: Underlay, families: readonly Family[]): boolean {
  return describeUnderlay(one, families) === describeUnderlay(other, families);
}

/** What the overlay is made from, in a line. */
export function describeUnderlay(underlay: Underlay, families: readonly Family[]): string {
  const { link, mtu, address, publicIp, onLink } = underlay;
  const addresses = families.flatMap((family) => {
    const key = `ipv${family}` as const;
    // One of full length has no other host.
    const networks = onLink
      .filter((net) => net.family === family && net.length < familyBits(family))
      .map(String);
    return [address[key], ...new Set(networks.sort()), `public ${String(publicIp[key])}`].map(String);
  });
  return [link, `mtu ${mtu}`, ...addresses].join(' ');
}
