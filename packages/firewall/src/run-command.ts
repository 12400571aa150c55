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
 * Rejects when it cannot be started, with the `code` `ENOENT` when there is no such program.
 */
export type RunCommand = (
  command: readonly string[],
  options: { readonly input?: string; readonly signal: AbortSignal },
) => Promise<CommandOutcome>;

/** Runs a command of this host, found in PATH. */
export const runCommand: RunCommand = async ([file, ...args], { input = '', signal }) => {
  const child = spawn(file!, args, { signal, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A program that ends without reading its input says why on standard error.
  child.stdin.on('error', () => undefined).end(input);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout, stderr };
};
