import {
  NetworkConfigError,
  parseNetworkConfig,
  type NetworkConfig,
  type Registry,
} from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import { keepTrying, NotYet } from './keep-trying.ts';

/** Reads the network config, again every second until it is there and valid. */
export async function waitForConfig(
  { registry, conditions }: { readonly registry: Registry; readonly conditions: Conditions },
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
        return new NotYet(`the network config is invalid: ${error.message}; it is at ${key}`);
      return new NotYet(
        `cannot read the network config: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  const config = await keepTrying(attempt, {
    tell: ({ reason }) => conditions.report('registry', 'failing', reason),
    signal,
  });
  conditions.report('registry', 'ok');
  return config;
}
