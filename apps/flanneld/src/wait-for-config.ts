import { setTimeout as delay } from 'node:timers/promises';
import {
  NetworkConfigError,
  parseNetworkConfig,
  type Logger,
  type NetworkConfig,
  type Registry,
} from '@flannel-ts/subnet';

/** Milliseconds between attempts; upstream's. */
const RETRY_MS = 1_000;

/**
 * Reads the network config, again every second until it is there and valid. Says what it waits for when
 * that changes, and not every second.
 */
export async function waitForConfig(
  components: { readonly registry: Registry; readonly log: Logger },
  options: { readonly prefix: string; readonly signal: AbortSignal },
): Promise<NetworkConfig> {
  const { registry, log } = components;
  const key = `${options.prefix}/config`;
  let said = '';
  for (;;) {
    const problem = await attempt();
    if (typeof problem !== 'string') return problem;
    if (problem !== said) log.warn({ key }, problem);
    said = problem;
    await delay(RETRY_MS, undefined, { signal: options.signal });
  }

  async function attempt(): Promise<NetworkConfig | string> {
    try {
      const text = await registry.readConfig({ signal: options.signal });
      if (text !== undefined) return parseNetworkConfig(text);
      return `there is no network config yet; write one, for example: etcdctl put ${key} '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'`;
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof NetworkConfigError) return `the network config is invalid: ${error.message}`;
      return `cannot read the network config: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
