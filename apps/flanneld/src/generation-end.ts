import { setTimeout as delay } from 'node:timers/promises';
import type { Backoff } from '@flannel-ts/backoff';
import { BackendConfigError } from '@flannel-ts/backend';
import { leaseKey, LeaseLostError, type NetworkConfig } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';
import { messageOf } from './message-of.ts';

/** What follows from the end of a generation: the next one at once, later, or with the last config that worked. */
export interface GenerationEnd {
  /** Returns the config for the next generation: the latest, unless no backend could be made from the same inputs. */
  choose(latest: NetworkConfig): NetworkConfig;
  /** A generation with this config has become ready. */
  reached(config: NetworkConfig): void;
  /**
   * Reports why a generation ended, and resolves when the next one may begin.
   * @param changed - aborts when an input of the generation changes, which ends every wait
   */
  explain(
    error: unknown,
    generation: { readonly config: NetworkConfig; readonly changed: AbortSignal },
  ): Promise<void>;
}

/** Parts that a daemon has when it is ready; each of them reports what is wrong with it otherwise. */
const SERVED_PARTS = ['underlay', 'registry', 'lease', 'backend', 'peers', 'firewall', 'files'] as const;

export function createGenerationEnd({
  log,
  conditions,
  backoff,
}: {
  readonly log: Logger;
  readonly conditions: Conditions;
  /** Paces the generations that fail. */
  readonly backoff: Pick<Backoff, 'next' | 'reset'>;
}): GenerationEnd {
  let proven: NetworkConfig | undefined;
  /** Aborts when an input of the generation changes whose config no backend could be made from. */
  let refused: AbortSignal | undefined;

  return {
    choose(latest) {
      if (refused?.aborted) refused = undefined;
      return refused && proven ? proven : latest;
    },
    reached(config) {
      backoff.reset();
      proven = config;
      for (const part of SERVED_PARTS) conditions.report(part, 'ok', '', 'start');
      if (!refused) conditions.report('backend', 'ok', '', 'config');
    },
    async explain(error, { config, changed }) {
      if (changed.aborted) {
        log.info({ reason: (changed.reason as Error).message }, 'beginning again with what changed');
      } else if (error instanceof LeaseLostError) {
        log.warn(
          { lease: leaseKey(error) },
          'another host holds the subnet of this host; leasing another one',
        );
      } else if (error instanceof BackendConfigError && proven && config !== proven) {
        refused = changed;
        conditions.report(
          'backend',
          'degraded',
          `${error.message}; the former network config stays in use`,
          'config',
        );
      } else {
        log.debug({ error }, 'the data path cannot be set up or kept');
        conditions.report('backend', 'failing', messageOf(error), 'start');
        await delay(backoff.next(), undefined, { signal: changed }).catch(() => undefined);
      }
    },
  };
}
