import type { Logger, NetworkConfig } from '@flannel-ts/subnet';

/** How the cluster's daemons are configured. */
export interface DaemonSettings {
  readonly config: NetworkConfig;
  readonly ttlMs: number;
  readonly renewMarginMs: number;
}

/** What daemons log is of no use to those who check them. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
