import { statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Notices that a Docker on this host starts or ends, without a connection to it. */
export interface SocketWatch extends Disposable {
  /** Resolves at the first change of the socket or of the file with Docker's process id. */
  readonly changed: Promise<void>;
}

/** Watches from the call on. A directory that is not there reports nothing. */
export function watchSocket(socketPath: string): SocketWatch {
  const { promise: changed, resolve } = Promise.withResolvers<void>();
  const names = [basename(socketPath), basename(pidFile(socketPath))];
  try {
    const watcher = watch(dirname(socketPath), (_event, name) => {
      if (name !== null && names.includes(name)) resolve();
    });
    // The directory went away: the next watch begins with the next attempt.
    watcher.on('error', () => watcher.close());
    return { changed, [Symbol.dispose]: () => watcher.close() };
  } catch {
    return { changed, [Symbol.dispose]: () => undefined };
  }
}

/**
 * Tells one run of Docker from the next by its file with its process id, which is beside its socket where the
 * defaults of both put it. `undefined`: there is no such file.
 */
export function currentRun(socketPath: string): string | undefined {
  const facts = statSync(pidFile(socketPath), { throwIfNoEntry: false });
  return facts && `${facts.ino} of ${facts.mtimeMs}`;
}

/** `/var/run/docker.pid` of `/var/run/docker.sock`. */
function pidFile(socketPath: string): string {
  return join(dirname(socketPath), `${basename(socketPath, '.sock')}.pid`);
}
