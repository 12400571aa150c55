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

/** Receive buffer for one answer. */
const ANSWER_BYTES = 64 * 1024;

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

/** A netlink socket for requests that the kernel answers while it takes them. */
export interface NetlinkExchange extends Disposable {
  /** Sends one datagram and returns the first of the answer. @throws {SystemError} `EAGAIN` when there is none */
  exchange(datagram: Uint8Array): Uint8Array;
}

/**
 * Opens a netlink socket in this thread's network namespace, for code that must be synchronous: the routing netlink answers
 * within the call that sends, and so does that of IPsec (NETLINK_XFRM).
 * @param protocol - NETLINK_ protocol
 * @throws {SystemError} {@link AddonError}
 */
export function openNetlinkExchange(protocol: number): NetlinkExchange {
  const port = new (loadBinding().NetlinkPort)(protocol, [], ANSWER_BYTES);
  return {
    exchange: (datagram) => port.exchange(datagram),
    [Symbol.dispose]: () => port.close(),
  };
}
