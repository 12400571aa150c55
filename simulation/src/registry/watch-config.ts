import { RegistryUnavailableError, type Clock, type Registry } from '@flannel-ts/subnet';

/** Milliseconds between two readings of the config, which changes in tests alone. */
const PERIOD_MS = 1000;

/** Follows the network config by reading it again and again. */
export async function* watchConfig(
  { readConfig, clock }: Pick<Registry, 'readConfig'> & { readonly clock: Clock },
  signal: AbortSignal | undefined,
): AsyncGenerator<string | undefined> {
  let yielded: { readonly text: string | undefined } | undefined;
  while (!signal?.aborted) {
    try {
      const text = await readConfig({ signal });
      if (!yielded || text !== yielded.text) yield text;
      yielded = { text };
      await clock.delay(PERIOD_MS, { signal });
    } catch (error) {
      if (!signal?.aborted && !(error instanceof RegistryUnavailableError)) throw error;
    }
  }
}
