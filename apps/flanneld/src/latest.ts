/** A value that changes. */
export interface Latest<T> extends AsyncDisposable {
  /** Resolves with the latest value, as soon as there is one. @throws what ended the source */
  current(): Promise<Version<T>>;
}

/** One value of a {@link Latest}. */
export interface Version<T> {
  readonly value: T;
  /** Aborts with a {@link Replaced} when another value replaces this one, or with what ended the source. */
  readonly replaced: AbortSignal;
}

/** Another value came. */
export class Replaced extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Replaced';
  }
}

/**
 * Keeps the latest value of a source, each of whose values replaces the one before.
 * @param source - runs until its signal aborts, which it does with `signal` or when the result is disposed of
 * @param describe - why a value was replaced, for the log
 */
export function keepLatest<T>(
  source: (signal: AbortSignal) => AsyncIterable<T>,
  describe: (before: T, after: T) => string,
  signal: AbortSignal,
): Latest<T> {
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const first = Promise.withResolvers<undefined>();
  first.promise.catch(() => undefined); // thrown where a value is asked for
  let latest: { readonly value: T; readonly replaced: AbortController } | undefined;
  let end: { readonly error: unknown } | undefined;

  async function run(): Promise<void> {
    for await (const value of source(over)) {
      const before = latest;
      latest = { value, replaced: new AbortController() };
      first.resolve(undefined);
      before?.replaced.abort(new Replaced(describe(before.value, value)));
    }
    over.throwIfAborted();
    throw new Error('the source of the values ended');
  }

  const done = run().catch((error: unknown) => {
    end = { error };
    first.reject(error);
    latest?.replaced.abort(error);
  });

  return {
    async current() {
      await first.promise;
      if (end) throw end.error;
      return { value: latest!.value, replaced: latest!.replaced.signal };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
