import { loadBinding } from './binding.ts';

/**
 * Tells systemd about this service (sd_notify(3)): one datagram to its notification socket.
 *
 * @param socketPath - `$NOTIFY_SOCKET`; a leading `@` is an abstract address
 * @param text - lines such as `READY=1`
 * @throws {SystemError}
 */
export function notifySystemd(socketPath: string, text: string): void {
  loadBinding().notifySystemd(socketPath, text);
}
