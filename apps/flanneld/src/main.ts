// flanneld: flags and environment in, daemon run, signals and exit codes out.
import manifest from '../package.json' with { type: 'json' };
import { createLog, type Logger } from './log.ts';
import { UsageError } from './flag-value.ts';
import { messageOf } from './message-of.ts';
import { readRequest, type Request } from './request.ts';
import { readSettingsFiles } from './settings-files.ts';

/** Milliseconds that a signal gives to an orderly end. */
const END_MS = 5_000;

// Not `process.exitCode`: whatever is pending, such as a timer or a connection, does not keep the process.
process.exit(await main());

/** @returns the exit code: 0 for an orderly end, 1 for a failure, 2 for a command line that makes no sense */
async function main(): Promise<number> {
  try {
    const request = await readRequest(process.argv.slice(2), process.env, readSettingsFiles);
    switch (request.kind) {
      case 'help':
        print(request.text);
        return 0;
      case 'version':
        print(`flanneld ${manifest.version}`);
        return 0;
      default:
        return await carryOut(request);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`flanneld: ${error.message} (flanneld --help shows all flags)\n`);
    return 2;
  }
}

type Task = Exclude<Request, { kind: 'help' | 'version' }>;

/** Runs a task until it is done or a signal ends it. */
async function carryOut(task: Task): Promise<number> {
  const log = createLog({ debug: task.settings.v >= 2, terminal: process.stderr.isTTY });
  if (task.ignored.length > 0) {
    log.warn(
      { flags: task.ignored },
      'flags of upstream’s log library have no effect; -v sets the verbosity',
    );
  }
  const stop = new AbortController();
  endOnSignals(task, log, stop);
  try {
    await start(task, log, stop.signal);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return exitCodeOf(task);
    if (error instanceof UsageError) throw error;
    // By its name: the class would load etcd's libraries before anything else.
    if (error instanceof Error && error.name === 'EtcdOptionError') throw new UsageError(`-${error.message}`);
    log.error({ error }, messageOf(error));
    return 1;
  }
}

function endOnSignals(task: Task, log: Logger, stop: AbortController): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      if (task.kind === 'run') log.info({ signal }, 'ending; device, routes and rules stay');
      stop.abort();
      setTimeout(() => process.exit(exitCodeOf(task)), END_MS).unref();
    });
  }
}

/** Of a task that a signal ended: the daemon is meant to run until then, a command is not. */
function exitCodeOf({ kind }: Task): number {
  return kind === 'run' ? 0 : 1;
}

/** Loads what the task needs, and nothing else: containers wait for the daemon. */
async function start(task: Task, log: Logger, signal: AbortSignal): Promise<void> {
  switch (task.kind) {
    case 'cleanup': {
      const { cleanUp } = await import('./cleanup/clean-up.ts');
      return cleanUp(task.settings, { log, signal, print });
    }
    case 'etcd-migrate': {
      const { migrate } = await import('./etcd-migrate.ts');
      return migrate(task.settings, { log, signal, print });
    }
    case 'run': {
      log.info({ version: manifest.version, node: process.version, pid: process.pid }, 'flanneld starts');
      const { runService } = await import('./service.ts');
      return runService(task.settings, { log, signal });
    }
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
