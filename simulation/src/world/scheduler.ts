/** Something that was scheduled and may be taken back. */
export interface Timer {
  cancel(): void;
}

/** Virtual time: it passes only from one scheduled action to the next. */
export interface Scheduler {
  /** Milliseconds since the run began. */
  readonly now: number;
  /** Actions that have been carried out. */
  readonly steps: number;
  /** Actions that wait. */
  readonly pending: number;
  /** Runs `action` at a time, after those that were scheduled for that time before. */
  at(time: number, action: () => void): Timer;
  /** Runs until `end` or {@link stop}. Rejects with what an action throws. */
  run(end: number): Promise<void>;
  stop(): void;
}

/** An action on the heap; one that was taken back stays there until its time. */
class Entry implements Timer {
  readonly time: number;
  readonly order: number;
  action: (() => void) | undefined;
  readonly #counts: { cancelled: number };

  constructor(time: number, order: number, action: () => void, counts: { cancelled: number }) {
    this.time = time;
    this.order = order;
    this.action = action;
    this.#counts = counts;
  }

  cancel(): void {
    if (!this.action) return;
    this.action = undefined;
    this.#counts.cancelled++;
  }
}

/** Steps between two turns of the event loop, which signals of the process need. */
const STEPS_PER_TURN = 8192;

export function createScheduler(): Scheduler {
  const heap: Entry[] = [];
  let now = 0;
  let steps = 0;
  let orders = 0;
  const counts = { cancelled: 0 };
  let stopped = false;

  /** The next action that was not taken back, off the heap; `undefined` when none is due by `end`. */
  function take(end: number): Entry | undefined {
    while (heap.length > 0 && heap[0]!.time <= end) {
      const entry = pop(heap);
      if (entry.action) return entry;
      counts.cancelled--;
    }
    return undefined;
  }

  return {
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    get pending() {
      return heap.length - counts.cancelled;
    },
    at(time, action) {
      const entry = new Entry(Math.max(time, now), orders++, action, counts);
      push(heap, entry);
      return entry;
    },
    run(end) {
      return new Promise((resolve, reject) => {
        function step(): void {
          const entry = stopped ? undefined : take(end);
          if (!entry) {
            if (!stopped) now = end;
            resolve();
            return;
          }
          const action = entry.action!;
          entry.action = undefined;
          now = entry.time;
          steps++;
          try {
            action();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
            return;
          }
          queueMicrotask(afterStep);
        }
        // A tick that a microtask asks for comes when no microtask is left: all promises have settled.
        const afterStep = () => (steps % STEPS_PER_TURN === 0 ? setImmediate(step) : process.nextTick(step));
        process.nextTick(step);
      });
    },
    stop: () => (stopped = true),
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (isBefore(heap[parent]!, entry)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): Entry {
  const [first] = heap;
  const last = heap.pop()!;
  if (heap.length === 0) return first!;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (isBefore(last, heap[child]!)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return first!;
}
