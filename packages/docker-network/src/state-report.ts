import { fullJitterMs } from '@flannel-ts/backoff';
import type { DockerNetworkState } from './events.ts';

/** Milliseconds between compares while all is well: an event of Docker is a hint, its listing is the truth. */
const RESYNC_MS = 60_000;

/** Reports states, each once, and knows how long to wait after the latest. */
export interface StateReport {
  report(state: DockerNetworkState): void;
  /** Returns the time until the next attempt in milliseconds: exponential with full jitter while something fails. */
  pauseMs(): number;
  /** Makes the next pause short, as after a change that may help. */
  forgive(): void;
}

/** @param random - uniform in 0 to 1 */
export function createStateReport(
  onState: (state: DockerNetworkState) => void,
  random: () => number,
): StateReport {
  let failures = 0;
  let last: DockerNetworkState | undefined;
  return {
    report(state) {
      failures = state.kind === 'in-place' ? 0 : failures + 1;
      if (JSON.stringify(state) === JSON.stringify(last)) return;
      try {
        onState(state);
        last = state;
      } catch {
        // The caller's defect ends nothing here; it gets the state again with the next attempt.
      }
    },
    pauseMs() {
      if (failures === 0) return RESYNC_MS;
      return fullJitterMs(failures, { random });
    },
    forgive() {
      failures = 0;
    },
  };
}
