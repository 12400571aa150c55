import type { CallOptions } from '@flannel-ts/subnet';
import { unavailable, type Failure } from './failure.ts';

/** Milliseconds for one attempt at one endpoint: what a member that hangs costs. */
const ATTEMPT_MS = 3_000;

/** A cluster of which one member is used at a time: until it fails, then the next. */
export interface Failover<Member extends Disposable> {
  /**
   * Sends a request to a member that answers.
   * @throws {RegistryUnavailableError} after each endpoint was tried, 3 seconds at most each.
   */
  call<T>(send: (attempt: Attempt<Member>) => Promise<T>, options?: CallOptions): Promise<T>;
}

export interface Attempt<Member> {
  readonly member: Member;
  /** When the attempt is over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Whether the request may have been carried out by an earlier attempt whose answer was lost. */
  readonly repeated: boolean;
  /** Makes the next call use another member, for who finds out later that this one fails. */
  readonly leave: () => void;
}

export function createFailover<Member extends Disposable>(
  {
    connect,
    random,
  }: {
    readonly connect: (endpoint: URL, deadline: number) => Promise<Member>;
    /** Chooses the first endpoint, so that many hosts spread over the cluster. */
    readonly random: () => number;
  },
  { endpoints, closed }: { readonly endpoints: readonly URL[]; readonly closed: AbortSignal },
): Failover<Member> {
  let index = Math.floor(random() * endpoints.length);
  let connecting: Promise<Member> | undefined;
  closed.addEventListener('abort', () => connecting && leave(connecting), { once: true });

  /** Leaves a member, unless another call has left it already. */
  function leave(failed: Promise<Member>): void {
    if (connecting !== failed) return;
    connecting = undefined;
    index = (index + 1) % endpoints.length;
    void failed.then(
      (member) => member[Symbol.dispose](),
      () => undefined, // never came to be
    );
  }

  return {
    async call(send, options) {
      const signal = options?.signal ? AbortSignal.any([options.signal, closed]) : closed;
      const end = Date.now() + ATTEMPT_MS * endpoints.length;
      const failures: Failure[] = [];
      // One attempt more than endpoints: the first may meet a connection that broke while it was idle.
      while (failures.length <= endpoints.length && Date.now() < end) {
        signal.throwIfAborted();
        const endpoint = endpoints[index]!;
        const deadline = Math.min(end, Date.now() + ATTEMPT_MS);
        const current = (connecting ??= connect(endpoint, deadline));
        try {
          const repeated = failures.length > 0;
          const sent = current.then((member) =>
            send({ member, deadline, repeated, leave: () => leave(current) }),
          );
          return await orAborted(sent, signal);
        } catch (error) {
          signal.throwIfAborted();
          failures.push({ endpoint, error });
          leave(current);
        }
      }
      throw unavailable(failures);
    },
  };
}

/** A request's result, unless the signal aborts before; the request itself ends by its deadline. */
function orAborted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([request, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
