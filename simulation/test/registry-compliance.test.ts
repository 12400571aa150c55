import { setImmediate as turn } from 'node:timers/promises';
import { createRecordingLog, registryCompliance } from '@flannel-ts/subnet/testing';
import { describe, expect, it } from 'vitest';
import { createRegistryWorld } from './support/registry-world.ts';

/** Virtual milliseconds of each turn of the event loop. */
const TURN_MS = 20;

for (const flavour of ['v2', 'v3'] as const) {
  registryCompliance({
    ...{ describe, it, expect, name: `simulated ${flavour}` },
    setup: async () => {
      const log = createRecordingLog();
      let config: string | undefined;
      const world = createRegistryWorld({ seed: 'compliance', flavour, log, config: () => config });
      const ended = new AbortController();
      const flow = async () => {
        while (!ended.signal.aborted) {
          await world.scheduler.run(world.scheduler.now + TURN_MS);
          await turn();
        }
      };
      const flowing = flow();
      return {
        log,
        open: () => world.open('host'),
        writeConfig: async (text) => void (config = text),
        writeEntry: async (key, value) => world.store.put(key, value),
        deleteEntry: async (key) => world.store.delete(key),
        shortestTtlMs: 1000,
        async [Symbol.asyncDispose]() {
          ended.abort();
          await flowing;
        },
      };
    },
  });
}
