/** Keeps the events of a producer that does not wait for its consumer. */
export interface Mailbox<Event extends object> {
  post(event: Event): void;
  /** Posts an event that makes those superfluous that still wait. */
  replace(event: Event): void;
  /** Makes {@link Mailbox.events} throw. */
  fail(error: unknown): void;
  /** Yields what is posted, in order, until the signal aborts. */
  events(signal: AbortSignal): AsyncGenerator<Event>;
}

export function createMailbox<Event extends object>(): Mailbox<Event> {
  const waiting: Event[] = [];
  let failure: { readonly error: unknown } | undefined;
  let woken = Promise.withResolvers<void>();
  const wake = () => woken.resolve();

  async function* events(signal: AbortSignal): AsyncGenerator<Event> {
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event) yield event;
        else if (failure) throw failure.error;
        else await woken.promise;
        woken = Promise.withResolvers();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  return {
    events,
    post(event) {
      waiting.push(event);
      wake();
    },
    replace(event) {
      waiting.length = 0;
      this.post(event);
    },
    fail(error) {
      failure = { error };
      wake();
    },
  };
}
