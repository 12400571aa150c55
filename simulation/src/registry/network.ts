import { RegistryUnavailableError } from '@flannel-ts/subnet';
import type { HostTime } from '../world/host-time.ts';
import type { RandomSource } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';

/** What may be wrong between hosts and registry; each fault makes it last at least until its own end. */
export interface Weather {
  /** The virtual time until which the registry does not run. */
  downUntil: number;
}

/** The path of one host to the registry. */
export interface Path {
  /** The virtual time until which nothing gets through. */
  cutUntil: number;
  /** Probability that a request is lost before it is carried out. */
  lostRequests: number;
  /** Probability that an answer is lost after the request was carried out. */
  lostReplies: number;
  /** Greatest delay of one direction in milliseconds; beyond the client's patience it is a late reply. */
  latencyMs: number;
}

export const GOOD_PATH: Readonly<Path> = {
  cutUntil: 0,
  lostRequests: 0,
  lostReplies: 0,
  latencyMs: 20,
};

/** Milliseconds after which a client gives a request up. */
const PATIENCE_MS = 3000;

/** Carries requests of one host to the registry, and loses some. */
export interface Network {
  readonly isCut: boolean;
  /** The virtual time until which it is cut at least. */
  readonly cutUntil: number;
  /** Counts a request that finds the network cut, and returns the milliseconds after which its client gives it up. */
  lose(): number;
  /** A delay of one direction in milliseconds. */
  latency(): number;
  /**
   * Carries out `operation` at the registry and returns what it returned or threw.
   * @throws {RegistryUnavailableError} when a request, its answer or the patience is lost
   */
  readonly call: <T>(operation: () => T, signal: AbortSignal | undefined) => Promise<T>;
}

export function createNetwork(
  components: { readonly scheduler: Scheduler; readonly time: HostTime; readonly random: RandomSource },
  state: { readonly weather: Weather; readonly path: Path; readonly onFailure: (at: number) => void },
): Network {
  const { scheduler, time, random } = components;
  const { weather, path } = state;
  const cutUntil = () => Math.max(weather.downUntil, path.cutUntil);
  const isCut = () => cutUntil() > scheduler.now;
  const latency = () => random.next() * path.latencyMs;
  // One for all: an error with its stack costs more than the rest of a request.
  const unavailable = new RegistryUnavailableError('no endpoint answered');

  function call<T>(operation: () => T, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => settle(() => reject(signal!.reason as Error));
      const settle = (end: () => void) => {
        signal?.removeEventListener('abort', onAbort);
        patience.cancel();
        end();
      };
      const patience = time.after(PATIENCE_MS, () => {
        state.onFailure(scheduler.now);
        settle(() => reject(unavailable));
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (isCut() || random.chance(path.lostRequests)) return;
      scheduler.at(scheduler.now + latency(), () => {
        if (isCut()) return;
        const answer = attempt(operation);
        if (random.chance(path.lostReplies)) return;
        scheduler.at(scheduler.now + latency(), () => {
          if (isCut()) return;
          time.deliver(() =>
            settle(() => ('value' in answer ? resolve(answer.value) : reject(answer.error))),
          );
        });
      });
    });
  }

  return {
    get isCut() {
      return isCut();
    },
    get cutUntil() {
      return cutUntil();
    },
    lose() {
      state.onFailure(scheduler.now + PATIENCE_MS);
      return PATIENCE_MS;
    },
    latency,
    call,
  };
}

function attempt<T>(operation: () => T): { readonly value: T } | { readonly error: Error } {
  try {
    return { value: operation() };
  } catch (error) {
    return { error: error as Error };
  }
}
