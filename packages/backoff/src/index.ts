/**
 * Exponential backoff with full jitter: how long to wait before something that failed is tried again.
 *
 * @packageDocumentation
 */
export { createBackoff, fullJitterMs, type Backoff, type BackoffOptions } from './backoff.ts';
