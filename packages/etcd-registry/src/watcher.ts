import { createBackoff } from '@flannel-ts/backoff';
import type { LeaseChange, LeaseEvent, LeaseSnapshot } from '@flannel-ts/subnet';
import { FIRST_DELAY_MS } from './registry.ts';
import { createConfigLedger, createLeaseLedger, type Config, type Ledger } from './ledger.ts';
import { createMailbox } from './mailbox.ts';
import type { Outages } from './outages.ts';
import type { Reconnects } from './reconnects.ts';
import { runSession, type SessionComponents } from './session.ts';
import { HistoryLostError, type WatchEvent, type WatchSource } from './watch.ts';

export interface WatchComponents extends SessionComponents {
  readonly outages: Outages;
  readonly reconnects: Reconnects;
}

/** Follows all leases, as `Registry.watchLeases` of `@flannel-ts/subnet` says. */
export async function* watchLeases(
  components: WatchComponents,
  source: WatchSource<LeaseSnapshot, LeaseChange>,
  signal: AbortSignal,
): AsyncGenerator<LeaseEvent> {
  for await (const event of watch(components, { source, ledger: createLeaseLedger() }, signal)) {
    if (event.kind === 'changes') {
      yield { kind: 'delta', changes: event.changes };
    } else {
      const { leases, unreadable } = event.listing;
      yield { kind: 'snapshot', leases, unreadable };
    }
  }
}

/** Follows the config, as `Registry.watchConfig` says. */
export async function* watchConfig(
  components: WatchComponents,
  source: WatchSource<Config, Config>,
  signal: AbortSignal,
): AsyncGenerator<string | undefined> {
  let last: { readonly text: string | undefined } | undefined;
  for await (const event of watch(components, { source, ledger: createConfigLedger() }, signal)) {
    const configs = event.kind === 'listing' ? [event.listing] : event.changes;
    for (const config of configs) {
      if (last && last.text === config.text) continue;
      last = config;
      yield config.text;
    }
  }
}

/**
 * Yields a listing first and then every change in order. Since a watch of etcd may miss changes, and a
 * revision that is not smaller does not prove the same history, a listing follows every interruption of the
 * watch, and one every few minutes. Ends with the signal.
 */
async function* watch<Listing, Change>(
  components: WatchComponents,
  parts: { readonly source: WatchSource<Listing, Change>; readonly ledger: Ledger<Listing, Change> },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<Listing, Change>> {
  const left = new AbortController();
  const over = AbortSignal.any([signal, left.signal]);
  const mailbox = createMailbox<WatchEvent<Listing, Change>>();
  const emit = (event: WatchEvent<Listing, Change>) =>
    event.kind === 'listing' ? mailbox.replace(event) : mailbox.post(event);
  const session: Session = (onWorks, signal) => runSession(components, { ...parts, emit, onWorks }, signal);
  const running = runSessions(components, session, over).catch((error: unknown) => mailbox.fail(error));
  try {
    yield* mailbox.events(over);
  } finally {
    left.abort();
    await running;
  }
}

type Session = (onWorks: () => void, signal: AbortSignal) => Promise<never>;

/** Runs one session after the other until the signal aborts. */
async function runSessions(
  { clock, log, random, outages, reconnects }: WatchComponents,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ random, firstMs: FIRST_DELAY_MS });
  const outage = outages.add();
  for (;;) {
    let worksSince: number | undefined;
    const onWorks = () => {
      worksSince ??= clock.now();
      outage.over();
    };
    const reconnect = reconnects.next();
    const either = AbortSignal.any([signal, reconnect]);
    const error: unknown = await session(onWorks, either).catch((error: unknown) => error);
    if (signal.aborted) break;
    if (reconnect.aborted) continue;
    if (worksSince !== undefined) backoff.worked(clock.now() - worksSince);
    if (error instanceof HistoryLostError) log.debug({ reason: error.message }, 'reading etcd again');
    else outage.failed(error instanceof Error ? error.message : String(error));
    await clock.delay(backoff.next(), { signal: either }).catch(() => undefined);
  }
  outage.remove();
}
