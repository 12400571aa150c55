/** Prints what becomes of a command in a process that has no file descriptor left. */
import { openSync } from 'node:fs';
import { runCommand } from '../../src/run-command.ts';

const { signal } = new AbortController();
await runCommand(['true'], { signal });
try {
  for (;;) openSync('/dev/null', 'r');
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
}
const outcome = await runCommand(['true'], { signal }).then(
  () => 'started',
  (error: unknown) => (error as NodeJS.ErrnoException).code,
);
console.log(outcome);
