import type { NetlinkConnection, NetlinkError } from '@flannel-ts/netlink';
import type { Device } from './device.ts';
import { entryText } from './entry.ts';
import type { DeviceEvent } from './events.ts';
import { Links, readTables } from './kernel-tables.ts';
import { makeLink } from './link.ts';
import { planChanges, planReconcile, toOperation, type Step } from './plan.ts';
import { watchDrift } from './watch-drift.ts';
import { WantedEntries } from './wanted-entries.ts';
import type { Ownership, WantedLink } from './wanted.ts';

export interface DeviceComponents {
  readonly netlink: NetlinkConnection;
  /** Told what was mended and what failed. @default nobody */
  readonly onEvent?: (event: DeviceEvent) => void;
}

export interface DeviceOptions {
  /** Milliseconds between full compares that nothing asked for. @default 60000 */
  readonly reconcileIntervalMs?: number;
}

/** An entry that is gone already needs no deleting. */
const ALREADY_GONE = ['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL'];
/** Milliseconds until what failed is tried again; doubled up to the longest. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** Keeps the kernel equal to the wanted state, starting when {@link Device.apply} is called first. */
export function createDevice(components: DeviceComponents, options: DeviceOptions = {}): Device {
  const { netlink, onEvent = () => undefined } = components;
  const { reconcileIntervalMs = 60_000 } = options;
  const wanted = new WantedEntries();
  const stop = new AbortController();
  let ownership: Ownership = { links: [], gatewayRoutes: [] };
  let turn: Promise<unknown> = Promise.resolve();
  let watching: Promise<void> | undefined;
  let failures = new Set<string>();
  let retry: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;
  let links = new Links([]);

  /** Runs tasks one after another: each sees what the one before left. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => undefined);
    return result;
  }

  /** Compares everything with the kernel and returns what had to be put or deleted. */
  async function compare(): Promise<readonly Step[]> {
    const failed = new Set<string>();
    for (const link of wanted.links().values()) await ensure(link, failed);
    const tables = await readTables(netlink, ownership);
    links = tables.links;
    const done = await carryOut(planReconcile(wanted.entries(), tables), failed);
    settle(failed);
    return done;
  }

  async function ensure(link: WantedLink, failed: Set<string>): Promise<void> {
    try {
      const outcome = await makeLink(netlink, link);
      if (outcome === 'recreated') onEvent({ kind: 'link-recreated', link: link.name });
    } catch (error) {
      fail(`link ${link.name}`, error as Error, failed);
    }
  }

  /** Returns the steps that succeeded. What waits for its link is tried again when the link appears. */
  async function carryOut(steps: readonly Step[], failed: Set<string>): Promise<readonly Step[]> {
    const planned = steps.map((step) => ({ step, operation: toOperation(step, links) }));
    const possible = planned.filter(({ operation }) => operation !== undefined);
    const errors = await netlink.batch(possible.map(({ operation }) => operation!));
    errors.forEach((error, index) => {
      const { step } = possible[index]!;
      if (error && !isHarmless(step, error)) fail(`${step.verb} ${entryText(step.entry)}`, error, failed);
    });
    return possible.filter((_, index) => !errors[index]).map(({ step }) => step);
  }

  function fail(what: string, error: Error, failed: Set<string>): void {
    failed.add(what);
    if (!failures.has(what)) onEvent({ kind: 'failed', what, error });
  }

  /** Remembers what failed, and sees to it that it is tried again. */
  function settle(failed: Set<string>): void {
    failures = failed;
    clearTimeout(retry);
    if (failed.size === 0) {
      retryMs = FIRST_RETRY_MS;
      return;
    }
    retry = setTimeout(() => void reconcile(), retryMs);
    retry.unref();
    retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
  }

  function reconcile(): Promise<void> {
    return inTurn(async () => {
      if (stop.signal.aborted) return;
      try {
        report(await compare());
      } catch (error) {
        fail('compare with the kernel', error as Error, failures);
      }
    });
  }

  /** Puts single entries back that somebody else removed or changed. */
  function mend(keys: ReadonlySet<string>): Promise<void> {
    return inTurn(async () => {
      const entries = [...keys].map((key) => wanted.get(key)).filter((entry) => entry !== undefined);
      const failed = new Set(failures);
      report(
        await carryOut(
          entries.map((entry) => ({ verb: 'put', entry })),
          failed,
        ),
      );
      settle(failed);
    });
  }

  function report(steps: readonly Step[]): void {
    if (steps.length === 0) return;
    onEvent({ kind: 'mended', steps: steps.map(({ verb, entry }) => `${verb} ${entryText(entry)}`) });
  }

  function watch(): void {
    watching ??= watchDrift(
      { netlink, wanted, links: () => links, mend, reconcile },
      { signal: stop.signal, reconcileIntervalMs },
    ).catch((error: unknown) => onEvent({ kind: 'failed', what: 'watch the kernel', error: error as Error }));
  }

  return {
    async ensureLink(link) {
      return inTurn(async () => {
        const outcome = await makeLink(netlink, link);
        if (outcome === 'recreated') onEvent({ kind: 'link-recreated', link: link.name });
        links = new Links(await netlink.links());
        const { index, mac } = links.named(link.name)!;
        return { index, mac };
      });
    },
    own(value) {
      ownership = value;
    },
    apply(value) {
      watch();
      return inTurn(async () => {
        wanted.replaceAll(value);
        await compare();
      });
    },
    update(changes) {
      return inTurn(async () => {
        const failed = new Set(failures);
        await carryOut(planChanges(wanted.update(changes)), failed);
        settle(failed);
      });
    },
    reconcile,
    async [Symbol.asyncDispose]() {
      stop.abort();
      clearTimeout(retry);
      await Promise.all([turn, watching]);
    },
  };
}

function isHarmless({ verb }: Step, error: NetlinkError): boolean {
  return verb === 'delete' && ALREADY_GONE.includes(error.code);
}
