import { setTimeout as delay } from 'node:timers/promises';

/**
 * Yields once for each burst of events that matter: `quietMs` milliseconds after its first one. Ends with the events.
 * @throws what ended the events
 */
export async function* bursts<T>(
  events: AsyncIterable<T>,
  { quietMs, matters }: { readonly quietMs: number; readonly matters: (event: T) => boolean },
): AsyncGenerator<undefined> {
  let arrived = Promise.withResolvers<'arrived'>();
  async function read(): Promise<'ended'> {
    for await (const event of events) if (matters(event)) arrived.resolve('arrived');
    return 'ended';
  }
  const reading = read();
  for (;;) {
    if ((await Promise.race([arrived.promise, reading])) === 'ended') return;
    await delay(quietMs);
    arrived = Promise.withResolvers();
    yield undefined;
  }
}
