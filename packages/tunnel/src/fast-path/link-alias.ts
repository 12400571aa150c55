import { openSynchronousNetlink } from '@flannel-ts/netlink';

/**
 * Reads the alias of a device of this thread's network namespace: undefined when there is no such
 * device.
 * @throws {NetlinkError} {@link SystemError}
 */
export function readAlias(name: string): string | undefined {
  using netlink = openSynchronousNetlink();
  return netlink.findLink(name)?.alias;
}

/** Changes the alias, if there is the device. @throws {NetlinkError} {@link SystemError} */
export function writeAlias(name: string, alias: string): void {
  using netlink = openSynchronousNetlink();
  const link = netlink.findLink(name);
  if (link) netlink.request({ op: 'set-link', index: link.index, alias });
}
