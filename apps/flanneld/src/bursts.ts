import { setTimeout as delay } from 'node:timers/promises';

/**
 * Yields once for each burst of events that matter: `quietMs` milliseconds after its first one. Ends with the events.
 * @throws what ended the events
 */
export async function* bursts<T>(
  events: AsyncIterable<T>,
  { quietMs, matters }: { readonly quietMs: number; readonly matters: (event: T) => boolean },
): AsyncGenerator<undefined> {
  let isReading = true as boolean;
  // A new one for each burst: a race would leave a reaction at a promise that lives as long as the events.
  let woken = Promise.withResolvers<void>();
  async function read(): Promise<void> {
    try {
      for await (const event of events) if (matters(event)) woken.resolve();
    } finally {
      isReading = false;
      woken.resolve();
    }
  }
  function waitForNext(): void {
    if (isReading) woken = Promise.withResolvers();
  }
  const reading = read();
  reading.catch(() => undefined); // thrown below
  for (;;) {
    await woken.promise;
    if (!isReading) return reading;
    await delay(quietMs);
    waitForNext();
    yield undefined;
  }
}
