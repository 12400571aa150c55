import { constants } from 'node:os';
import { loadBinding } from './binding.ts';

/**
 * Lets this process receive a signal that is blocked: with `--disable-sigusr1`, Node blocks SIGUSR1 for good, also
 * where the program has a handler for it.
 * @throws {SystemError}
 */
export function unblockSignal(signal: NodeJS.Signals): void {
  loadBinding().unblockSignal(constants.signals[signal]);
}
