import { expect, it } from 'vitest';
import { keepLatest, Replaced } from '../src/latest.ts';

/** A source whose values a test gives one by one. */
function createSource() {
  const values: string[] = [];
  let wake = Promise.withResolvers<undefined>();
  async function* source(signal: AbortSignal): AsyncGenerator<string> {
    signal.addEventListener('abort', () => wake.resolve(undefined));
    while (!signal.aborted) {
      while (values.length > 0) yield values.shift()!;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  }
  const give = (value: string) => {
    values.push(value);
    wake.resolve(undefined);
  };
  return { source, give };
}

const describeChange = (before: string, after: string) => `${before} became ${after}`;
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

it('waits for the first value, and reports that another one replaced it', async () => {
  const { source, give } = createSource();
  await using latest = keepLatest(source, describeChange, new AbortController().signal);
  const waiting = latest.current();
  give('a');
  const { value, replaced } = await waiting;
  expect(value).toBe('a');
  const reason = aborted(replaced);
  give('b');
  expect(await reason).toEqual(new Replaced('a became b'));
  expect((await latest.current()).value).toBe('b');
});

it('ends the wait for a value with the reason of the signal', async () => {
  const stop = new AbortController();
  await using latest = keepLatest(createSource().source, describeChange, stop.signal);
  const waiting = latest.current();
  stop.abort(new Error('the daemon ends'));
  await expect(waiting).rejects.toThrow('the daemon ends');
});

it('ends the use of the last value with what ended the source', async () => {
  const failure = Promise.withResolvers<never>();
  async function* source(): AsyncGenerator<string> {
    yield 'a';
    await failure.promise;
  }
  await using latest = keepLatest(source, describeChange, new AbortController().signal);
  const { replaced } = await latest.current();
  const reason = aborted(replaced);
  failure.reject(new Error('no more permission'));
  expect(await reason).toEqual(new Error('no more permission'));
  await expect(latest.current()).rejects.toThrow('no more permission');
});
