import { notifySystemd } from '@flannel-ts/native';
import type { Condition } from './conditions.ts';

/** The service manager that started the daemon, see sd_notify(3). Without one, nothing is sent. */
export interface ServiceManager extends Disposable {
  /** Reports that the daemon is ready. */
  ready(): void;
  /** Reports that the daemon ends. */
  stopping(): void;
  /** Shows in `systemctl status` what the daemon waits for or what is wrong. */
  show(conditions: readonly Condition[]): void;
}

/**
 * @param environment - `NOTIFY_SOCKET`, the socket's path, and `WATCHDOG_USEC`, the microseconds within which a sign of
 *   life is due: twice as often one is sent
 */
export function createServiceManager(environment: NodeJS.ProcessEnv): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogUs } = environment;
  let ready = false;
  const send = (text: string) => {
    try {
      if (socket) notifySystemd(socket, text);
    } catch {
      // A service manager that takes no message, such as one that restarts, must not end the daemon.
    }
  };
  const watchdogMs = Number(watchdogUs ?? 0) / 1000;
  const watchdog = watchdogMs > 0 ? setInterval(() => send('WATCHDOG=1'), watchdogMs / 2).unref() : undefined;
  return {
    ready() {
      ready = true;
      send('READY=1');
    },
    stopping: () => send('STOPPING=1'),
    show(conditions) {
      const wrong = conditions.filter(({ state }) => (ready ? state !== 'ok' : state === 'failing'));
      const texts = wrong.map(({ part, state, reason }) =>
        ready ? `${part} ${state}: ${reason}` : `waiting: ${reason}`,
      );
      send(`STATUS=${texts.join('; ').replaceAll('\n', ' ')}`);
    },
    [Symbol.dispose]: () => clearInterval(watchdog),
  };
}
