import { notifySystemd } from '@flannel-ts/native';
import type { Condition } from './conditions.ts';

/** The service manager that started the daemon, see sd_notify(3). Without one, nothing is sent. */
export interface ServiceManager {
  /** Reports that the daemon is ready. */
  ready(): void;
  /** Shows in `systemctl status` what the daemon waits for or what is failing. */
  show(conditions: readonly Condition[]): void;
}

/** @param socket - the path in `NOTIFY_SOCKET` */
export function createServiceManager(socket: string | undefined): ServiceManager {
  let ready = false;
  const send = (text: string) => {
    if (socket) notifySystemd(socket, text);
  };
  return {
    ready() {
      ready = true;
      send('READY=1');
    },
    show(conditions) {
      const failing = conditions.filter(({ state }) => state === 'failing');
      const texts = failing.map(({ part, reason }) =>
        ready ? `${part} failing: ${reason}` : `waiting: ${reason}`,
      );
      send(`STATUS=${texts.join('; ').replaceAll('\n', ' ')}`);
    },
  };
}
