/**
 * Exponential backoff with full jitter: how long to wait before something that failed is tried again, and before what
 * another program keeps undoing is repaired again.
 *
 * @packageDocumentation
 */
export { createBackoff, fullJitterMs, type Backoff, type BackoffOptions } from './backoff.ts';
export { createContests, type Contests, type ContestsOptions } from './contests.ts';
