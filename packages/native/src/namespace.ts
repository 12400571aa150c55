import { loadBinding } from './binding.ts';

/**
 * Runs `open` with this thread in another network namespace, and comes back. What it opens (a netlink
 * port, a tunnel) stays in that namespace. `open` must be synchronous: everything else on the event loop
 * belongs to the namespace that the process started in.
 *
 * @param path - the namespace's file, such as `/run/netns/host1`
 * @throws {SystemError} when it cannot be entered (`ENOENT`, `EPERM`)
 */
export function inNamespace<T>(path: string, open: () => T): T {
  const result = loadBinding().inNamespace(path, open) as T;
  if (result instanceof Promise) throw new TypeError('inNamespace takes a synchronous function');
  return result;
}
