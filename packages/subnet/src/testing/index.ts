/**
 * For tests: a registry in memory, and the suite that every {@link Registry} passes.
 *
 * @packageDocumentation
 */
export { createFakeClock, type FakeClock } from './fake-clock.ts';
export { createMemoryStore, type MemoryStore } from './memory-registry.ts';
export { createRecordingLog, type RecordingLog } from './recording-log.ts';
export {
  registryCompliance,
  type Matchers,
  type RegistryHarness,
  type TestApi,
} from './registry-compliance.ts';
