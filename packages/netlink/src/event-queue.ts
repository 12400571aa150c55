import type { KernelEvent } from './objects.ts';

/** Events on their way to one reader. */
export class EventQueue {
  readonly #limit: number;
  #events: KernelEvent[] = [];
  #ended: { readonly error?: Error } | undefined;
  #wake = Promise.withResolvers<undefined>();

  /** @param limit - how many may wait for a slow reader; beyond, they give way to one `overrun`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(event: KernelEvent): void {
    if (this.#events.length < this.#limit) this.#events.push(event);
    else this.#events = [{ kind: 'overrun' }];
    this.#wake.resolve(undefined);
  }

  /** Ends the reading at once; with `error` it throws. */
  end(error?: Error): void {
    this.#ended ??= error ? { error } : {};
    this.#wake.resolve(undefined);
  }

  /** Yields events until {@link EventQueue.end}. */
  async *read(): AsyncGenerator<KernelEvent, void> {
    for (;;) {
      const events = this.#events;
      this.#events = [];
      for (const event of events) {
        if (this.#ended) break;
        yield event;
      }
      if (this.#ended?.error) throw this.#ended.error;
      if (this.#ended) return;
      if (this.#events.length === 0) await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}
