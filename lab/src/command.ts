import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** A command ended with another exit code than 0. */
export class CommandError extends Error {
  readonly command: string;
  readonly exitCode: number | null;
  readonly output: string;

  constructor(command: string, exitCode: number | null, output: string) {
    super(`${command}: exit code ${exitCode ?? 'none'}\n${output}`);
    this.name = 'CommandError';
    this.command = command;
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** Runs a command to its end and returns its standard output. @throws {CommandError} */
export async function run(
  command: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [file, ...args] = command;
  const child = spawn(file!, args, { env: options.env ?? process.env, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode !== 0) throw new CommandError(command.join(' '), exitCode, stderr + stdout);
  return stdout;
}

/** A program that runs until it is ended; it dies with this process. */
export class RunningProcess implements AsyncDisposable {
  /** Everything printed so far, standard output and standard error interleaved, by line. */
  readonly lines: string[] = [];
  /** Exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** When it was started, on the clock of `performance.now`. */
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(line: string) => void>();

  constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#print(line));
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The first line, printed already or in future, that matches. @throws when the program ends before. */
  async line(pattern: RegExp): Promise<string> {
    return this.lines.find((line) => pattern.test(line)) ?? this.nextLine(pattern);
  }

  /** The first line from now on that matches. @throws when the program ends before. */
  nextLine(pattern: RegExp): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const listener = (line: string) => {
      if (pattern.test(line)) resolve(line);
    };
    this.#listeners.add(listener);
    void this.exited.then((code) =>
      reject(new Error(`ended (${code}) without printing ${String(pattern)}:\n${this.lines.join('\n')}`)),
    );
    return promise.finally(() => this.#listeners.delete(listener));
  }

  /** Calls `listener` with every line from now on. */
  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops every thread of the program by SIGSTOP, which a thread obeys only when it is scheduled again. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    while (!(await this.#isFrozen())) await delay(1);
  }

  /** Ends the program: SIGTERM, and SIGKILL when it has not gone after 5 s. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.signal('SIGTERM');
    const killer = setTimeout(() => this.signal('SIGKILL'), 5_000);
    return this.exited.finally(() => clearTimeout(killer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #isFrozen(): Promise<boolean> {
    const threads = `/proc/${this.pid}/task`;
    const states = (await readdir(threads)).map(async (thread) => {
      // A thread may have ended since; the next look does not find it.
      const stat = await readFile(join(threads, thread, 'stat'), 'utf8').catch(() => '');
      // The state follows the name, which is in parentheses and may contain some.
      return stat[stat.lastIndexOf(')') + 2];
    });
    return (await Promise.all(states)).every((state) => state === 'T');
  }

  #print(line: string): void {
    this.lines.push(line);
    for (const listener of this.#listeners) listener(line);
  }
}

/** Starts a program that dies with this process, also when this process is killed. */
export function start(
  command: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv } = {},
): RunningProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new RunningProcess(child);
}
