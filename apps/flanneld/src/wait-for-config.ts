import {
  NetworkConfigError,
  parseNetworkConfig,
  type Logger,
  type NetworkConfig,
  type Registry,
} from '@flannel-ts/subnet';
import { keepTrying, NotYet } from './keep-trying.ts';

/** Reads the network config, again every second until it is there and valid. */
export async function waitForConfig(
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
  { prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal },
): Promise<NetworkConfig> {
  const key = `${prefix}/config`;
  const example = `etcdctl put ${key} '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'`;

  async function attempt(): Promise<NetworkConfig | NotYet> {
    try {
      const text = await registry.readConfig({ signal });
      if (text !== undefined) return parseNetworkConfig(text);
      return new NotYet(`there is no network config yet; write one, for example: ${example}`);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NetworkConfigError)
        return new NotYet(`the network config is invalid: ${error.message}`);
      return new NotYet(
        `cannot read the network config: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  return keepTrying(attempt, { tell: ({ reason }) => log.warn({ key }, reason), signal });
}
