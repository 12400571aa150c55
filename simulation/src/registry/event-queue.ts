import type { LeaseEvent } from '@flannel-ts/subnet';

/** Events on their way from a watch to the one who follows it. */
export interface EventQueue {
  readonly events: AsyncIterable<LeaseEvent>;
  readonly waiting: number;
  readonly ended: boolean;
  push(event: LeaseEvent): void;
  /** Ends the iteration; what waits is dropped. */
  readonly end: () => void;
}

/** @param onEnd - called once, whoever ends the iteration */
export function createEventQueue(onEnd: () => void): EventQueue {
  const events: LeaseEvent[] = [];
  let ended = false;
  let wake: ((result: IteratorResult<LeaseEvent>) => void) | undefined;
  const end = () => {
    if (ended) return;
    ended = true;
    onEnd();
    events.length = 0;
    wake?.({ done: true, value: undefined });
    wake = undefined;
  };
  const iterator: AsyncIterator<LeaseEvent> = {
    next() {
      if (ended) return Promise.resolve({ done: true, value: undefined });
      if (events.length > 0) return Promise.resolve({ done: false, value: events.shift()! });
      return new Promise((resolve) => (wake = resolve));
    },
    return() {
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return {
    events: { [Symbol.asyncIterator]: () => iterator },
    get waiting() {
      return events.length;
    },
    get ended() {
      return ended;
    },
    push(event) {
      if (ended) return;
      if (wake) {
        wake({ done: false, value: event });
        wake = undefined;
      } else events.push(event);
    },
    end,
  };
}
