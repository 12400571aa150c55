import { unblockSignal } from '@flannel-ts/native';
import { leaseKey } from '@flannel-ts/subnet';
import type { DaemonStatus } from './generation.ts';
import { logCounters } from './log-counters.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';
import { createServiceManager } from './service-manager.ts';
import { takeOver } from './take-over.ts';

/** Runs the daemon as a service: it reports to systemd, and SIGUSR1 and SIGHUP ask something of it. */
export async function runService(
  settings: Settings,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  using manager = createServiceManager(process.env);
  const requests = new EventTarget();
  let status: DaemonStatus | undefined;
  process.on('SIGUSR1', () => {
    if (status) logCounters(log, status);
    else log.info({}, 'no counters yet: the daemon is starting');
  });
  unblockSignal('SIGUSR1');
  process.on('SIGHUP', () => {
    log.info({}, 'certificates and passwords are read again');
    requests.dispatchEvent(new Event('reload'));
  });
  process.on('uncaughtException', (error) => {
    log.error({ error }, `a defect of flanneld ended it: ${error.message}`);
    process.exit(1);
  });
  signal.addEventListener('abort', () => manager.stopping(), { once: true });
  await using taken = await takeOver(settings, log);
  const { runDaemon } = await import('./daemon.ts');
  await runDaemon(settings, {
    log,
    taken,
    signal,
    requests,
    onConditions: (conditions) => manager.show(conditions),
    onReady(ready) {
      status = ready;
      manager.ready();
      const { lease, backend, follower } = ready;
      log.info({ lease: leaseKey(lease), mtu: backend.mtu, peers: follower.peers }, 'ready');
    },
  });
}
