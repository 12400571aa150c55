import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { inNamespace } from '@flannel-ts/native';

const CURRENT = '/proc/thread-self/ns/net';

/** A network namespace that a thread was in. */
export interface RememberedNamespace extends Disposable {
  /**
   * Runs a synchronous task there.
   * @throws {SystemError} `EPERM` when this thread has left the namespace and may not enter it
   */
  run<T>(task: () => T): T;
}

/** Remembers the namespace of this thread, for what is named by its numbers of interfaces. */
export function rememberNamespace(): RememberedNamespace {
  const descriptor = openSync(CURRENT, 'r');
  const { ino } = fstatSync(descriptor);
  return {
    // To enter a namespace takes CAP_SYS_ADMIN, which a daemon in its own does not need.
    run: (task) =>
      statSync(CURRENT).ino === ino ? task() : inNamespace(`/proc/self/fd/${descriptor}`, task),
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}
