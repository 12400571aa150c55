import { run, start, type RunningProcess } from './command.ts';

/** A network namespace: a host of the lab, its underlay switch, or a container. */
export interface Namespace extends AsyncDisposable {
  /** Its name for `ip netns`. */
  readonly namespace: string;
  /** Its file, for `setns`. */
  readonly path: string;
  /** Runs a command inside to its end and returns its standard output. @throws {CommandError} */
  run(...command: string[]): Promise<string>;
  /** Runs a command and parses its JSON output. */
  json<T>(...command: string[]): Promise<T>;
  /** Starts a program inside; it is ended with the namespace. */
  start(command: readonly string[], options?: { readonly env?: NodeJS.ProcessEnv }): RunningProcess;
}

/** Makes a network namespace with its loopback up. */
export async function createNamespace(namespace: string): Promise<Namespace> {
  await run(['ip', 'netns', 'add', namespace]);
  await run(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
  return namedNamespace(namespace);
}

/** Names the network namespace of a running process; the name goes with the result. */
export async function attachNamespace(namespace: string, pid: number): Promise<Namespace> {
  await run(['ip', 'netns', 'attach', namespace, `${pid}`]);
  return namedNamespace(namespace);
}

function namedNamespace(namespace: string): Namespace {
  const inside = ['ip', 'netns', 'exec', namespace];
  const started: RunningProcess[] = [];
  let disposed = false;
  return {
    namespace,
    path: `/run/netns/${namespace}`,
    run: (...command) => run([...inside, ...command]),
    json: async <T>(...command: string[]) => JSON.parse(await run([...inside, ...command])) as T,
    start(command, options) {
      const program = start([...inside, ...command], options);
      started.push(program);
      return program;
    },
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      await Promise.all(started.map((program) => program.stop()));
      await run(['ip', 'netns', 'delete', namespace]);
    },
  };
}
