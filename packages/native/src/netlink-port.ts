import { loadBinding, type SystemError } from './binding.ts';

/** A netlink socket (netlink(7)): whole datagrams in and out. */
export interface NetlinkPort extends Disposable {
  /** Sends one datagram to the kernel. @throws {SystemError} `EBADF` after {@link NetlinkPort.close} */
  send(datagram: Uint8Array): void;

  /**
   * Starts to deliver datagrams, and keeps the process alive until {@link NetlinkPort.close}. `onError`
   * gets receive errors: `ENOBUFS` means that the kernel dropped datagrams; the port stays open.
   * @throws {SystemError} `EALREADY` the second time, `EBADF` after {@link NetlinkPort.close}
   */
  listen(onDatagram: (datagram: Uint8Array) => void, onError: (error: SystemError) => void): void;

  /** Closes the socket; idempotent. Nothing is delivered afterwards. */
  close(): void;
}

export interface NetlinkPortOptions {
  /** NETLINK_ protocol. @default 0 (NETLINK_ROUTE) */
  readonly protocol?: number;
  /** Multicast groups to join, by number (RTNLGRP_LINK is 1). @default [] */
  readonly groups?: readonly number[];
  /** Receive buffer in bytes, beyond rmem_max where the process may. @default 4 MiB */
  readonly receiveBufferBytes?: number;
}

/** Opens a netlink socket in this thread's network namespace. @throws {SystemError} {@link AddonError} */
export function openNetlinkPort(options: NetlinkPortOptions = {}): NetlinkPort {
  const { protocol = 0, groups = [], receiveBufferBytes = 4 * 1024 * 1024 } = options;
  const port = new (loadBinding().NetlinkPort)(protocol, groups, receiveBufferBytes);
  return {
    send: (datagram) => port.send(datagram),
    listen: (onDatagram, onError) => port.listen(onDatagram, onError),
    close: () => port.close(),
    [Symbol.dispose]: () => port.close(),
  };
}
