/**
 * A cluster of daemons on a virtual clock from one seed, and a checker of histories, of simulated and of
 * real registries alike.
 *
 * @packageDocumentation
 */
export { checkRegisters, type Verdict } from './history/check-register.ts';
export { checkWatch, type LogStep, type WatchOptions, type WatchStep } from './history/check-watch.ts';
export type { Operation, Outcome, RegisterRequest, Seen } from './history/operation.ts';
export { recordOperations } from './history/record-operations.ts';
export { allFaults, describeFailure, runSeed, shortenSchedule } from './run-seed.ts';
export { simulate, type RunResult } from './simulate.ts';
export { realComponents, type Components } from './world/components.ts';
export type { RunRequest } from './world/plan.ts';
