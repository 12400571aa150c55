import {
  NetworkConfigError,
  parseNetworkConfig,
  type NetworkConfig,
  type Registry,
} from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';

/**
 * Yields the network config as soon as it is there and valid, and again after every change of its content. While it
 * is missing or invalid, the condition `registry` says so and the last valid one stays in use.
 */
export async function* watchConfig(
  { registry, conditions }: { readonly registry: Registry; readonly conditions: Conditions },
  options: {
    readonly prefix: string;
    /** What `Backend.Type` may be. */
    readonly backendTypes: readonly string[];
    readonly signal: AbortSignal;
  },
): AsyncGenerator<NetworkConfig> {
  const { signal, backendTypes } = options;
  const key = `${options.prefix}/config`;
  let latest: string | undefined;
  for await (const text of registry.watchConfig({ signal })) {
    const found = readConfig(text, key, backendTypes);
    if (typeof found === 'string') {
      const state = latest === undefined ? 'failing' : 'degraded';
      const rest = latest === undefined ? '' : '; the last valid one stays in use';
      conditions.report('registry', state, `${found}${rest}`, 'config');
      continue;
    }
    conditions.report('registry', 'ok', '', 'config');
    const content = JSON.stringify(JSON.parse(text!));
    if (content !== latest) yield found;
    latest = content;
  }
}

/** Returns the config, or what is wrong with it and what to do. */
function readConfig(
  text: string | undefined,
  key: string,
  backendTypes: readonly string[],
): NetworkConfig | string {
  if (text === undefined) {
    const example = `etcdctl put ${key} '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'`;
    return `there is no network config yet; write one, for example: ${example}`;
  }
  try {
    const config = parseNetworkConfig(text);
    const { type } = config.backend;
    if (backendTypes.includes(type)) return config;
    return `unknown backend type: ${type} (known are ${backendTypes.join(', ')}); the network config is at ${key}`;
  } catch (error) {
    if (!(error instanceof NetworkConfigError)) throw error;
    return `the network config is invalid: ${error.message}; it is at ${key}`;
  }
}
