// flanneld: flags and environment in, daemon run, signals and exit codes out.
import { notifySystemd } from '@flannel-ts/native';
import manifest from '../package.json' with { type: 'json' };
import { leaseKey } from '@flannel-ts/subnet';
import { runDaemon, type DaemonStatus } from './daemon.ts';
import { createLog, type Logger } from './log.ts';
import { logCounters } from './log-counters.ts';
import { readSettings, UsageError, type Settings } from './settings.ts';

process.exitCode = await main();

/** @returns the exit code: 0 for an orderly end, 1 for a failure, 2 for a command line that makes no sense */
async function main(): Promise<number> {
  try {
    const request = await readSettings(process.argv.slice(2), process.env);
    switch (request.kind) {
      case 'help':
        process.stdout.write(`${request.text}\n`);
        return 0;
      case 'version':
        process.stdout.write(`flanneld ${manifest.version}\n`);
        return 0;
      case 'run':
        return await run(request.settings);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`flanneld: ${error.message}\nflanneld --help shows all flags.\n`);
    return 2;
  }
}

async function run(settings: Settings): Promise<number> {
  const log = createLog({ debug: settings.v >= 2, terminal: process.stderr.isTTY });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'ending; device, routes and lease stay');
      stop.abort();
    });
  }
  log.info({ version: manifest.version, node: process.version, pid: process.pid }, 'flanneld starts');
  try {
    await runDaemon(settings, { log, signal: stop.signal, onReady: (status) => announceReady(log, status) });
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    log.error({ error }, error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function announceReady(log: Logger, status: DaemonStatus): void {
  process.on('SIGUSR1', () => logCounters(log, status));
  if (process.env['NOTIFY_SOCKET']) notifySystemd(process.env['NOTIFY_SOCKET'], 'READY=1');
  log.info({ lease: leaseKey(status.lease), mtu: status.backend.mtu, peers: status.follower.peers }, 'ready');
}
