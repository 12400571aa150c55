import { toChange, type LeaseEvent } from '@flannel-ts/subnet';
import type { Scheduler, Timer } from '../world/scheduler.ts';
import { createEntry, decodeContent, removal, type Content, type Entry, type Flavour } from './entry.ts';
import { EXPIRY, OPERATOR, type Change, type Store, type StoreObserver, type Writer } from './store.ts';

/** Changes that are kept for watches that resume. */
const HISTORY = 2000;

export function createStore(scheduler: Scheduler, flavour: Flavour, observer: StoreObserver): Store {
  const entries = new Map<string, Entry>();
  const expiries = new Map<string, Timer>();
  const changedAt = new Map<string, number>();
  const contentOf = createContents();
  let history: Change[] = [];
  /** Changes up to this revision are forgotten. */
  let compacted = 0;
  let revision = 1;
  /** The highest revision of all histories. */
  let highest = 0;
  let etcdLeases = 0;
  let replacedAt = -Infinity;

  function write(writer: Writer, key: string, value: string | undefined, ttlMs: number | undefined) {
    const before = entries.get(key);
    expiries.get(key)?.cancel();
    expiries.delete(key);
    revision++;
    const isRepeated = revision <= highest;
    highest = Math.max(highest, revision);
    const after =
      value === undefined
        ? undefined
        : createEntry({
            key,
            value,
            content: contentOf(key, value),
            revision,
            isRepeated,
            ttlMs,
            etcdLease: ++etcdLeases,
            flavour,
            before,
            now: scheduler.now,
          });
    if (after) hold(after);
    else entries.delete(key);
    if (before?.value !== value) changedAt.set(key, scheduler.now);
    history.push({ revision, key, entry: after, event: eventOf(key, after) });
    if (history.length > 2 * HISTORY) forget(history.length - HISTORY);
    const written = { writer, key, before, after };
    observer.written(written);
    observer.changed(written);
    return after;
  }

  function hold(entry: Entry): void {
    const { key, ttlMs } = entry;
    entries.set(key, entry);
    if (ttlMs === undefined) return;
    expiries.set(
      key,
      scheduler.at(scheduler.now + ttlMs, () => write(EXPIRY, key, undefined, undefined)),
    );
  }

  function forget(count: number): void {
    compacted = history[count - 1]?.revision ?? compacted;
    history = history.slice(count);
  }

  return {
    flavour,
    entries,
    changedAt,
    get revision() {
      return revision;
    },
    get replacedAt() {
      return replacedAt;
    },
    changesAfter(known) {
      if (known < compacted || known > revision) return undefined;
      let first = history.length;
      while (first > 0 && history[first - 1]!.revision > known) first--;
      return history.slice(first);
    },
    swap({ writer, key, expected, value, ttlMs }) {
      const current = entries.get(key);
      if (current?.version !== expected) return { kind: 'refused', current };
      return { kind: 'done', entry: write(writer, key, value, ttlMs) };
    },
    put: (key, value) => void write(OPERATOR, key, value, undefined),
    delete(key) {
      if (entries.has(key)) write(OPERATOR, key, undefined, undefined);
    },
    skipRevisions: (count) => (revision += count),
    compact: () => forget(history.length),
    backUp: () => ({ revision, entries: new Map(entries) }),
    restore(backup) {
      const before = new Map(entries);
      for (const timer of expiries.values()) timer.cancel();
      expiries.clear();
      entries.clear();
      replacedAt = scheduler.now;
      revision = backup.revision;
      compacted = revision;
      history = [];
      for (const entry of backup.entries.values()) hold(entry);
      for (const key of new Set([...before.keys(), ...entries.keys()])) {
        if (before.get(key)?.value !== entries.get(key)?.value) changedAt.set(key, scheduler.now);
      }
      observer.replaced();
    },
  };
}

/** Decodes contents, each of them once. */
function createContents(): (key: string, value: string) => Content {
  const known = new Map<string, Content>();
  return (key, value) => {
    const text = `${key} ${value}`;
    const content = known.get(text) ?? decodeContent(key, value);
    known.set(text, content);
    return content;
  };
}

function eventOf(key: string, entry: Entry | undefined): LeaseEvent | undefined {
  const change = entry ? entry.shown && toChange(entry.shown) : removal(key);
  return change && { kind: 'delta', changes: [change] };
}
