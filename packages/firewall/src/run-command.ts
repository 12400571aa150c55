import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
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

/** Runs a command of this host, found in PATH. One that is aborted is killed, and not waited for. */
export const runCommand: RunCommand = async ([file, ...args], { input = '', signal }) => {
  signal.throwIfAborted();
  const child = spawn(file!, args, { stdio: 'pipe' });
  // Also after the end of this function, since a process that cannot be killed is an error, too.
  child.on('error', () => undefined);
  const output = { stdout: '', stderr: '' };
  // A process that could not be started for want of file descriptors has no streams.
  if (child.pid !== undefined) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    // A program that ends without reading its input says why on standard error.
    child.stdin.on('error', () => undefined).end(input);
  }
  try {
    const [exitCode] = (await once(child, 'close', { signal })) as [number | null];
    return { exitCode, ...output };
  } catch (error) {
    abandon(child);
    signal.throwIfAborted();
    throw error;
  }
};

/** Kills a process and lets go of it, since one that hangs in the kernel does not end. */
function abandon(child: ChildProcessWithoutNullStreams): void {
  // Not spawn's `signal` option: for a program that did not start, it kills a process id that was never set,
  // which may be 0, our whole process group (seen with Node 24.21).
  if (child.pid === undefined) return;
  child.kill('SIGKILL');
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  child.unref();
}
