import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a command ended. */
export interface CommandOutcome {
  /** `null` when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end: the seam for another network namespace (`ip netns exec NAME …`) and for tests.
 * Rejects when it cannot be started, with the `code` `ENOENT` when there is no such program, and with the
 * signal's reason when that aborts, the command being ended.
 */
export type RunCommand = (
  command: readonly string[],
  options: { readonly input?: string; readonly signal: AbortSignal },
) => Promise<CommandOutcome>;

/** Runs a command of this host, found in PATH. */
export const runCommand: RunCommand = async ([file, ...args], { input = '', signal }) => {
  signal.throwIfAborted();
  const child = spawn(file!, args, { stdio: 'pipe' });
  // Not spawn's `signal` option: for a program that did not start, it kills a process id that was never set,
  // which may be 0, our whole process group (seen with Node 24.21).
  const end = () => child.pid !== undefined && child.kill();
  signal.addEventListener('abort', end);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A program that ends without reading its input says why on standard error.
  child.stdin.on('error', () => undefined).end(input);
  try {
    const [exitCode] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    return { exitCode, stdout, stderr };
  } finally {
    signal.removeEventListener('abort', end);
  }
};
