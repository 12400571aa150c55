import { fullJitterMs } from '@flannel-ts/backoff';

/** As many creations in a row are made at once. */
const FREE_CREATIONS = 5;
/** Milliseconds without a creation after which the network is no longer contested. */
const QUIET_MS = 60_000;

/** Makes creations rarer where another program keeps removing the network. */
export interface RecreationLimit {
  /** Takes in that the network was created. */
  created(): void;
  /** Returns why the network may not be created now. */
  pause(): string | undefined;
  /** Returns what to report as long as another program contests the network, whether or not it is there. */
  contest(): string | undefined;
}

/** @param random - uniform in 0 to 1, for the pauses */
export function createRecreationLimit(name: string, random: () => number): RecreationLimit {
  const reason =
    `another program keeps removing Docker’s network ${JSON.stringify(name)}, which is therefore created more ` +
    'and more rarely, up to once a minute: find it, as with docker events --filter type=network, and stop it';
  let creations = 0;
  /** On the clock of `performance.now`. */
  let pausedUntil = -Infinity;

  const isQuiet = () => performance.now() - pausedUntil >= QUIET_MS;
  const contest = () => (creations > FREE_CREATIONS && !isQuiet() ? reason : undefined);

  /** Exponential with full jitter, from the first creation that is not free. */
  function pauseMs(): number {
    if (creations <= FREE_CREATIONS) return 0;
    return fullJitterMs(creations - FREE_CREATIONS, { random });
  }

  return {
    created() {
      creations = isQuiet() ? 1 : creations + 1;
      pausedUntil = performance.now() + pauseMs();
    },
    pause: () => (performance.now() < pausedUntil ? reason : undefined),
    contest,
  };
}
