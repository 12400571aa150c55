import type { NetlinkConnection, NetlinkError } from '@flannel-ts/netlink';
import type { Device } from './device.ts';
import { entryText } from './entry.ts';
import type { DeviceEvent } from './events.ts';
import { createFailures } from './failures.ts';
import { Links, readTables } from './kernel-tables.ts';
import { makeLink } from './link.ts';
import { planChanges, planReconcile, toOperation, type Step } from './plan.ts';
import { watchDrift } from './watch-drift.ts';
import { DesiredEntries } from './desired-entries.ts';
import type { DesiredLink, Ownership } from './desired.ts';

export interface DeviceComponents {
  readonly netlink: NetlinkConnection;
  /** Told what was repaired and what failed. @default nobody */
  readonly onEvent?: (event: DeviceEvent) => void;
}

export interface DeviceOptions {
  /** Milliseconds between full compares that nothing asked for. @default 60000 */
  readonly reconcileIntervalMs?: number;
}

/** An entry that is gone already needs no deleting. */
const ALREADY_GONE = ['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL'];

/** Milliseconds from the first compare to the second. */
const SETTLING_MS = 1_000;

/** Keeps the kernel equal to the desired state, starting when {@link Device.apply} is called first. */
export function createDevice(components: DeviceComponents, options: DeviceOptions = {}): Device {
  const { netlink, onEvent = () => undefined } = components;
  const { reconcileIntervalMs = 60_000 } = options;
  const desired = new DesiredEntries();
  const failures = createFailures({ onEvent, tryAgain: () => void reconcile() });
  const stop = new AbortController();
  let ownership: Ownership = { links: [], gatewayRoutes: [] };
  let links = new Links([]);
  let turn: Promise<unknown> = Promise.resolve();
  let comparing: Promise<void> | undefined;
  let watching: Promise<void> | undefined;
  let lookAgain: NodeJS.Timeout | undefined;

  /** Runs tasks one after another: each sees what the one before left. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => undefined);
    return result;
  }

  async function ensure(link: DesiredLink): Promise<void> {
    const outcome = await makeLink(netlink, link);
    if (outcome === 'recreated') onEvent({ kind: 'link-recreated', link: link.name });
  }

  /** Compares everything with the kernel and returns what had to be put or deleted. */
  async function compare(): Promise<readonly Step[]> {
    const failed = new Map<string, Error>();
    let done: readonly Step[] = [];
    try {
      for (const link of desired.links().values()) {
        await ensure(link).catch((error: unknown) => failed.set(`link ${link.name}`, error as Error));
      }
      const tables = await readTables(netlink, ownership);
      links = tables.links;
      done = await carryOut(planReconcile(desired.entries(), tables, ownership), failed);
    } catch (error) {
      failed.set('compare with the kernel', error as Error);
    }
    failures.replace(failed);
    return done;
  }

  /** Carries out what is known to have changed. */
  async function change(steps: readonly Step[]): Promise<readonly Step[]> {
    const failed = new Map<string, Error>();
    let done: readonly Step[] = [];
    try {
      done = await carryOut(steps, failed);
    } catch (error) {
      failed.set('change the kernel', error as Error);
    }
    failures.add(failed);
    return done;
  }

  /** Returns the steps that succeeded. What waits for its link is compared when the link appears. */
  async function carryOut(steps: readonly Step[], failed: Map<string, Error>): Promise<readonly Step[]> {
    const planned = steps.map((step) => ({ step, operation: toOperation(step, links) }));
    const possible = planned.filter(({ operation }) => operation !== undefined);
    const errors = await netlink.batch(possible.map(({ operation }) => operation!));
    errors.forEach((error, index) => {
      const { step } = possible[index]!;
      if (error && !isHarmless(step, error)) failed.set(stepText(step), error);
    });
    return possible.filter((_, index) => !errors[index]).map(({ step }) => step);
  }

  function report(steps: readonly Step[]): void {
    if (steps.length > 0) onEvent({ kind: 'repaired', steps: steps.map(stepText) });
  }

  /** A compare that waits for its turn serves everybody who asks for one meanwhile. */
  function reconcile(): Promise<void> {
    comparing ??= inTurn(async () => {
      comparing = undefined;
      if (!stop.signal.aborted) report(await compare());
    });
    return comparing;
  }

  /** Puts single entries back that somebody else removed or changed. */
  function repair(keys: ReadonlySet<string>): Promise<void> {
    return inTurn(async () => {
      const entries = [...keys].map((key) => desired.get(key)).filter((entry) => entry !== undefined);
      report(await change(entries.map((entry) => ({ verb: 'put', entry }))));
    });
  }

  /**
   * Begins after the first compare: the kernel's reports of it are thousands, and nothing new. What somebody
   * changed in between is found soon after.
   */
  function watch(): void {
    if (watching || stop.signal.aborted) return;
    watching = watchDrift(
      { netlink, desired, links: () => links, repair, reconcile, onEvent },
      { signal: stop.signal, reconcileIntervalMs },
    );
    lookAgain = setTimeout(() => void reconcile(), SETTLING_MS).unref();
  }

  return {
    ensureLink: (link) =>
      inTurn(async () => {
        await ensure(link);
        links = new Links(await netlink.links());
        const { index, mac } = links.named(link.name)!;
        return { index, mac };
      }),
    own(value) {
      ownership = value;
    },
    apply: (value) =>
      inTurn(async () => {
        desired.replaceAll(value);
        await compare();
        watch();
      }),
    update: (changes) =>
      inTurn(async () => {
        await change(planChanges(desired.update(changes)));
      }),
    reconcile,
    async [Symbol.asyncDispose]() {
      stop.abort();
      clearTimeout(lookAgain);
      await Promise.all([turn, watching]);
      failures[Symbol.dispose]();
    },
  };
}

function stepText({ verb, entry }: Step): string {
  return `${verb} ${entryText(entry)}`;
}

function isHarmless({ verb }: Step, error: NetlinkError): boolean {
  return verb === 'delete' && ALREADY_GONE.includes(error.code);
}
