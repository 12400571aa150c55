import { describe, expect, it } from 'vitest';
import {
  createFakeClock,
  createMemoryStore,
  createRecordingLog,
  registryCompliance,
} from '../src/testing/index.ts';

registryCompliance({
  describe,
  it,
  expect,
  name: 'memory',
  setup: () => {
    const clock = createFakeClock();
    const log = createRecordingLog();
    const store = createMemoryStore(clock);
    return Promise.resolve({
      log,
      open: () => store.open({ log }),
      writeConfig: async (text) => store.writeConfig(text),
      writeEntry: async (key, value) => store.writeEntry(key, value),
      deleteEntry: async (key) => store.deleteEntry(key),
      shortestTtlMs: 1000,
      pass: (ms) => clock.advance(ms),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
});
