import type { NetlinkConnection } from '@flannel-ts/netlink';
import { createContention } from './contention.ts';
import type { Device } from './device.ts';
import type { DeviceEvent } from './events.ts';
import { createFailures } from './failures.ts';
import { linkSubject, type KernelChange } from './kernel-change.ts';
import { KernelKeeper } from './kernel-keeper.ts';
import { watchDrift } from './watch-drift.ts';

export interface DeviceComponents {
  readonly netlink: NetlinkConnection;
  /** Called with what happened to the kernel's state. What it throws is ignored. @default ignores it */
  readonly onEvent?: (event: DeviceEvent) => void;
  /** Returns a number of [0, 1), for the jitter of retries. @default `Math.random` */
  readonly random?: () => number;
}

export interface DeviceOptions {
  /** Milliseconds between full compares that nothing asked for. @default 60000 */
  readonly reconcileIntervalMs?: number;
}

/** Keeps the kernel equal to the desired state, starting when {@link Device.apply} is called first. */
export function createDevice(components: DeviceComponents, options: DeviceOptions = {}): Device {
  const { netlink, random = Math.random } = components;
  const { reconcileIntervalMs = 60_000 } = options;
  const stop = new AbortController();
  const failures = createFailures({ onEvent, tryAgain: () => detach(reconcile()), random });
  const contention = createContention({ onEvent });
  const keeper = new KernelKeeper({ netlink, failures });
  let turn: Promise<unknown> = Promise.resolve();
  let comparing: Promise<void> | undefined;
  let watching: Promise<void> | undefined;

  /** A listener that throws must not end the repairs. */
  function onEvent(event: DeviceEvent): void {
    try {
      components.onEvent?.(event);
    } catch {
      // What a listener fails at is not the kernel's state.
    }
  }

  /** Runs tasks one after another: each sees what the one before left. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => undefined);
    return result;
  }

  /** Lets go of what no caller waits for, with a handler of its rejection. */
  function detach(work: Promise<void>): void {
    work.catch((error: unknown) => failures.add(new Map([['keep the kernel', error as Error]])));
  }

  /** A compare that waits for its turn serves all who ask for one meanwhile. */
  function reconcile(): Promise<void> {
    comparing ??= inTurn(async () => {
      comparing = undefined;
      if (stop.signal.aborted) return;
      report(await keeper.compare());
      contention.forgetCalm();
    });
    return comparing;
  }

  function repair(keys: ReadonlySet<string>): Promise<void> {
    return inTurn(async () => report(await keeper.repair(keys)));
  }

  /** Reports repairs, but for those of a contest, which has an event of its own. */
  function report(changes: readonly KernelChange[]): void {
    const reported = changes.filter(
      ({ subject, link }) =>
        !contention.isContested(subject) &&
        (link === undefined || !contention.isContested(linkSubject(link))),
    );
    reportRecreated(reported);
    const steps = reported.filter(({ verb }) => verb !== 'recreate').map(({ text }) => text);
    if (steps.length > 0) onEvent({ kind: 'repaired', steps });
  }

  function reportRecreated(changes: readonly KernelChange[]): void {
    for (const { verb, link } of changes) {
      if (verb === 'recreate') onEvent({ kind: 'link-recreated', link: link! });
    }
  }

  function reportRemoved(changes: readonly KernelChange[]): void {
    const steps = changes.filter(({ verb }) => verb === 'delete').map(({ text }) => text);
    if (steps.length > 0) onEvent({ kind: 'removed', steps });
  }

  /** Begins after the first compare: the kernel's reports of it are thousands, and nothing new. */
  function watch(): void {
    if (watching || stop.signal.aborted) return;
    watching = watchDrift(
      {
        ...{ netlink, contention, random, desired: keeper.desired, links: () => keeper.links },
        repair: (keys) => detach(repair(keys)),
        reconcile: () => detach(reconcile()),
        onState: (error) => failures.replace('watch', new Map(error && [['watch the kernel', error]])),
      },
      { signal: stop.signal, reconcileIntervalMs },
    );
    detach(watching);
  }

  return {
    ensureLink: (link) =>
      inTurn(async () => {
        const { outcome, ...made } = await keeper.ensureLink(link);
        if (outcome === 'recreated') onEvent({ kind: 'link-recreated', link: link.name });
        return made;
      }),
    apply: (desired, ownership) =>
      inTurn(async () => {
        const changes = await keeper.apply(desired, ownership);
        reportRecreated(changes);
        reportRemoved(changes);
        watch();
      }),
    update: (changes) =>
      inTurn(async () => {
        await keeper.update(changes);
      }),
    reconcile,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled([turn, watching]);
      failures[Symbol.dispose]();
    },
  };
}
