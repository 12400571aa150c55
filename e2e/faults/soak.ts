import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { AccessKind } from './access.ts';
import type { Injection } from './fault.ts';
import { violations } from './invariants.ts';
import { startProbe } from './probe.ts';
import { schedule, type Round } from './schedule.ts';
import { createWorld, type World } from './world.ts';

export interface SoakOptions {
  readonly seed: number;
  /** No round begins after that many milliseconds. */
  readonly durationMs: number;
  readonly hosts: number;
  readonly access: AccessKind;
  /** Kinds of faults to make; empty for all. */
  readonly only: readonly string[];
  /** Milliseconds within which a fault must show, and within which everything must be right again after it. */
  readonly boundMs: number;
  readonly signal: AbortSignal;
  readonly onRound: (result: RoundResult) => void;
}

/** One fault, or several at once, from its beginning until everything was right again. */
export interface RoundResult {
  readonly round: number;
  readonly kinds: readonly string[];
  readonly what: string;
  /** Milliseconds since the run's start. */
  readonly startedAfterMs: number;
  /** Milliseconds for which the fault was on. */
  readonly onMs: number;
  /** Milliseconds from its end until all invariants held. */
  readonly recoveredMs: number;
  /** The longest time in milliseconds in which a container did not reach the next host's. */
  readonly outageMs: number;
}

/** What `--json` writes. */
export interface SoakResult extends Pick<SoakOptions, 'seed' | 'access'> {
  readonly rounds: readonly RoundResult[];
  readonly failure?: SoakFailure;
  /** Resident memory of each host's daemon in KiB. */
  readonly rssKb: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** Changes of leases that were recorded and judged. */
  readonly leaseChanges: number;
}

export interface SoakFailure {
  readonly round: number;
  readonly kinds: readonly string[];
  readonly what: string;
  readonly violations: readonly string[];
  /** The ends of the daemons' logs, by host. */
  readonly logs: Readonly<Record<string, readonly string[]>>;
}

/** Milliseconds for which the invariants hold again before they are looked at a second time. */
const QUIET_MS = 1_000;
const POLL_MS = 100;
/** A daemon with a handful of peers that is larger than that, in KiB, keeps what it should forget. */
const MOST_RSS_KB = 400 * 1024;
const LOG_LINES = 150;

class Violated extends Error {
  readonly found: readonly string[];

  constructor(found: readonly string[]) {
    super(found.join('\n'));
    this.found = found;
  }
}

/** Makes faults, one after another, and ends when the time is over or an invariant does not hold. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { seed, access, only, signal, boundMs } = options;
  await using world = await createWorld(options);
  const startedAt = performance.now();
  const addresses = world.hosts.map(({ address }) => new Set([address]));
  const rounds: RoundResult[] = [];
  let current: Pick<RoundResult, 'round' | 'kinds' | 'what'> = { round: -1, kinds: ['start'], what: '' };
  let failure: SoakFailure | undefined;
  let before: readonly number[] = [];
  const judge = createJudge(world, addresses);
  try {
    await settle(world, { boundMs: Math.max(boundMs, 60_000), signal });
    before = await residentMemory(world);
    for (const round of schedule(world, { seed, only })) {
      if (performance.now() - startedAt > options.durationMs) break;
      current = { round: round.number, kinds: round.faults.map(({ kind }) => kind), what: '' };
      const startedAfterMs = Math.round(performance.now() - startedAt);
      const onInjected = (what: string) => (current = { ...current, what });
      const times = await play(world, round, { boundMs, signal, addresses, onInjected });
      await judge();
      const result = { ...current, startedAfterMs, ...times };
      rounds.push(result);
      options.onRound(result);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    const found = error instanceof Violated ? error.found : [String((error as Error).stack ?? error)];
    const logs = world.hosts.map((host) => [host.name, host.logs().slice(-LOG_LINES)] as const);
    failure = { ...current, violations: found, logs: Object.fromEntries(logs) };
  }
  const after = await residentMemory(world);
  const leaseChanges = world.history.size;
  return { seed, access, rounds, rssKb: { before, after }, leaseChanges, ...(failure && { failure }) };
}

/** Makes the faults of a round, takes them back, and waits until everything is right. */
async function play(
  world: World,
  { faults, random }: Round,
  options: {
    readonly boundMs: number;
    readonly signal: AbortSignal;
    readonly addresses: readonly Set<string>[];
    readonly onInjected: (what: string) => void;
  },
): Promise<Pick<RoundResult, 'onMs' | 'recoveredMs' | 'outageMs'>> {
  const { boundMs, signal, addresses } = options;
  const probe = await startProbe(world.hosts);
  const injectedAt = performance.now();
  const injections: Injection[] = [];
  for (const fault of faults) {
    injections.push(await fault.inject(world, random));
    options.onInjected(injections.map(({ what }) => what).join(' + '));
  }
  for (const [index, host] of world.hosts.entries()) addresses[index]!.add(host.underlayAddress);
  // With two faults at once, the one may hide what the other shows.
  const effect = injections.length === 1 ? injections[0]!.effect : undefined;
  if (effect) await poll(async () => [(await effect()) ?? []].flat(), { boundMs, signal });
  const holdMs = Math.max(...injections.map((injection) => injection.holdMs));
  await delay(holdMs, undefined, { signal });
  for (const injection of injections.reverse()) await injection.heal();
  const healedAt = performance.now();
  const extraMs = Math.max(...injections.map((injection) => injection.extraMs ?? 0));
  const recoveredMs = await settle(world, { boundMs: boundMs + extraMs, signal });
  return {
    onMs: Math.round(healedAt - injectedAt),
    recoveredMs: Math.round(recoveredMs),
    outageMs: await probe.end(),
  };
}

/** Waits until all invariants hold, and after a while still do. @returns milliseconds until they held */
async function settle(
  world: World,
  options: { readonly boundMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const ms = await poll(() => violations(world), options);
  await delay(QUIET_MS, undefined, { signal: options.signal });
  // A renewal or an expired token may be on its way: what is wrong must be wrong twice.
  await poll(() => violations(world), { ...options, boundMs: 3 * QUIET_MS });
  return ms;
}

async function poll(
  ask: () => Promise<readonly string[]>,
  { boundMs, signal }: { readonly boundMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const askedAt = performance.now();
    const wrong = await ask().catch((error: unknown) => [String(error)]);
    if (wrong.length === 0) return askedAt - startedAt;
    if (askedAt - startedAt > boundMs) throw new Violated([`not within ${boundMs} ms:`, ...wrong]);
    await delay(POLL_MS);
  }
}

/** Checks what is not a state but a history: leases, logs, memory. */
function createJudge(world: World, addresses: readonly ReadonlySet<string>[]): () => Promise<void> {
  const read = world.hosts.map(() => 0);
  return async () => {
    const defects = world.hosts.flatMap((host, index) => {
      const lines = host.logs().slice(read[index]);
      read[index] = host.logs().length;
      return lines.filter(isDefect).map((line) => `${host.name} logged: ${line.slice(0, 1_000)}`);
    });
    const large = (await residentMemory(world))
      .map((kb, index) => ({ kb, name: world.hosts[index]!.name }))
      .filter(({ kb }) => kb > MOST_RSS_KB)
      .map(({ kb, name }) => `${name}: the daemon has ${kb} KiB of memory`);
    const found = [...(await world.history.check(addresses)), ...defects, ...large];
    if (found.length > 0) throw new Violated(found);
  };
}

function isDefect(line: string): boolean {
  return /unhandled|TypeError|ReferenceError|RangeError|AssertionError|call stack|MaxListeners|"level":"fatal"/i.test(
    line,
  );
}

async function residentMemory({ hosts }: World): Promise<readonly number[]> {
  const sizes = hosts.map(async ({ daemon }) => {
    const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8').catch(() => '');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  });
  return Promise.all(sizes);
}
