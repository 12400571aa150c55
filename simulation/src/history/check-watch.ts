/** One step of what really happened to a registry, in its order, as plain data. */
export type LogStep =
  | { readonly kind: 'put'; readonly key: string; readonly revision: string }
  | { readonly kind: 'removed'; readonly key: string }
  /** The registry was wiped or restored: the revisions of all its keys from here on. */
  | { readonly kind: 'replaced'; readonly entries: Readonly<Record<string, string>> };

/** What a watch reported, one change at a time. */
export type WatchStep =
  | Exclude<LogStep, { readonly kind: 'replaced' }>
  /** The revisions of all keys. */
  | { readonly kind: 'snapshot'; readonly entries: Readonly<Record<string, string>> };

export interface WatchOptions {
  /** The registry was quiet long enough for the watch to have seen all of it. @default false */
  readonly caughtUp?: boolean | undefined;
}

/**
 * Checks what a watch reported against what happened: a snapshot first, every snapshot one that there was,
 * no older than what was seen before; every change once, in order, and none left out but by a snapshot.
 * Returns what is wrong, `undefined` for nothing.
 */
export function checkWatch(
  log: readonly LogStep[],
  watched: readonly WatchStep[],
  { caughtUp = false }: WatchOptions = {},
): string | undefined {
  const positionsOf = indexStates(log);
  /** How many steps of the log the watch may have seen; a snapshot may fit in several places. */
  let positions: readonly number[] = [];
  for (const [index, step] of watched.entries()) {
    if (index === 0 && step.kind !== 'snapshot') return `step 0 is ${describe(step)}, and no snapshot`;
    const oldest = index === 0 ? 0 : Math.min(...positions);
    const next =
      step.kind === 'snapshot'
        ? (positionsOf.get(signature(step.entries)) ?? []).filter((position) => position >= oldest)
        : positions.filter((position) => isSame(log[position], step)).map((position) => position + 1);
    if (next.length === 0) return `step ${index} is ${describe(step)}, ${reason(log, step, oldest)}`;
    positions = next;
  }
  if (caughtUp && watched.length === 0) return 'the watch reported nothing';
  if (caughtUp && !positions.includes(log.length)) {
    return `the watch ends after ${Math.max(...positions)} of ${log.length} changes`;
  }
  return undefined;
}

/** The places of the log by the state that it had there. */
function indexStates(log: readonly LogStep[]): ReadonlyMap<string, readonly number[]> {
  const positions = new Map<string, number[]>();
  let entries: Record<string, string> = {};
  const add = (position: number) => {
    const key = signature(entries);
    const known = positions.get(key);
    if (known) known.push(position);
    else positions.set(key, [position]);
  };
  add(0);
  for (const [index, step] of log.entries()) {
    if (step.kind === 'replaced') entries = { ...step.entries };
    else if (step.kind === 'put') entries[step.key] = step.revision;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a record is what plain data has
    else delete entries[step.key];
    add(index + 1);
  }
  return positions;
}

function signature(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([key, revision]) => `${key}@${revision}`)
    .sort()
    .join();
}

function isSame(step: LogStep | undefined, seen: WatchStep): boolean {
  if (step?.kind !== seen.kind) return false;
  if (step.kind === 'put' && seen.kind === 'put')
    return step.key === seen.key && step.revision === seen.revision;
  return step.kind === 'removed' && seen.kind === 'removed' && step.key === seen.key;
}

function reason(log: readonly LogStep[], step: WatchStep, oldest: number): string {
  if (step.kind === 'snapshot') return 'which the registry never was from then on';
  const places = [...log.keys()].filter((position) => isSame(log[position], step));
  if (places.length === 0) return 'which never happened';
  if (places.every((position) => position < oldest)) return 'which was reported before, or is out of order';
  return `before which something was left out (${describe(log[oldest]!)} is next)`;
}

function describe(step: LogStep | WatchStep): string {
  if (step.kind === 'put') return `put ${step.key} at ${step.revision}`;
  if (step.kind === 'removed') return `removed ${step.key}`;
  return `${step.kind} of ${Object.keys(step.entries).length} keys`;
}
