import type { CallOptions } from '@flannel-ts/subnet';
import { RefusedError, unavailable, type Failure } from './failure.ts';

/** Milliseconds for one attempt at one endpoint: what a member that hangs costs. */
export const ATTEMPT_MS = 3_000;

/** A connection to one member of the cluster. */
export interface Connected {
  /** Aborts with the reason when the member is left. */
  readonly gone: AbortSignal;
  /** Ends the connection and what is followed over it; `gone` aborts with the reason. */
  close(reason: unknown): void;
}

/** A cluster of which one member is used at a time: until it fails, then the next. */
export interface Failover<Member extends Connected> {
  /**
   * Sends a request to a member that answers. An answer that refuses the request is final.
   * @throws {RegistryUnavailableError} after each endpoint was tried, 3 seconds at most each.
   */
  call<T>(send: (attempt: Attempt<Member>) => Promise<T>, options?: CallOptions): Promise<T>;
  /** Makes the next call use a new connection, and ends what is followed over the one in use. */
  reconnect(): void;
}

export interface Attempt<Member> {
  readonly member: Member;
  /** When the attempt is over, in milliseconds of `performance.now`. */
  readonly deadline: number;
  /** Whether the request may have been carried out by an earlier attempt whose answer was lost. */
  readonly repeated: boolean;
  /** Returns what to throw for an error that comes later; leaves the member unless it has answered. */
  readonly failed: (error: unknown) => Error;
}

export function createFailover<Member extends Connected>(
  {
    connect,
    random,
  }: {
    readonly connect: (endpoint: URL) => Promise<Member>;
    /** Chooses the first endpoint, so that many hosts spread over the cluster. */
    readonly random: () => number;
  },
  { endpoints, closed }: { readonly endpoints: readonly URL[]; readonly closed: AbortSignal },
): Failover<Member> {
  let index = Math.floor(random() * endpoints.length);
  let connecting: Promise<Member> | undefined;
  closed.addEventListener('abort', () => drop(closed.reason), { once: true });

  /** Ends the connection in use, if there is one. */
  function drop(reason: unknown): void {
    void connecting?.then(
      (member) => member.close(reason),
      () => undefined, // never came to be
    );
    connecting = undefined;
  }

  /** Leaves a member for the next one, unless another call has left it already. */
  function leave(failed: Promise<Member>, reason: unknown): void {
    if (connecting !== failed) return;
    drop(reason);
    index = (index + 1) % endpoints.length;
  }

  return {
    async call(send, options) {
      const signal = options?.signal ? AbortSignal.any([options.signal, closed]) : closed;
      const end = performance.now() + ATTEMPT_MS * endpoints.length;
      const failures: Failure[] = [];
      // One attempt more than endpoints: the first may meet a connection that broke while it was idle.
      while (failures.length <= endpoints.length && performance.now() < end) {
        signal.throwIfAborted();
        const endpoint = endpoints[index]!;
        const deadline = Math.min(end, performance.now() + ATTEMPT_MS);
        const current = (connecting ??= connect(endpoint));
        const failed = (error: unknown) => {
          if (!(error instanceof RefusedError)) leave(current, error);
          return unavailable([{ endpoint, error }]);
        };
        try {
          const repeated = failures.length > 0;
          return await orAborted(
            current.then((member) => send({ member, deadline, repeated, failed })),
            signal,
          );
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof RefusedError) throw unavailable([{ endpoint, error }]);
          failures.push({ endpoint, error });
          leave(current, error);
        }
      }
      throw unavailable(failures);
    },
    reconnect: () => drop(new Error('a new connection was asked for')),
  };
}

/** A request's result, unless the signal aborts before; the request itself ends by its deadline. */
function orAborted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([request, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
