/** A netlink socket: whole datagrams in and out. */
export interface NetlinkPort extends Disposable {
  /** Sends one datagram to the kernel. @throws {SystemError} */
  send(datagram: Uint8Array): void;

  /**
   * Starts to deliver datagrams. `onError` gets receive errors with an errno `code`; `ENOBUFS` means that
   * the kernel dropped some, and the port stays open.
   */
  listen(
    onDatagram: (datagram: Uint8Array) => void,
    onError: (error: Error & { code: string }) => void,
  ): void;

  /** Closes the socket; idempotent. Nothing is delivered afterwards. */
  close(): void;
}

export interface NetlinkPortOptions {
  /** NETLINK_ protocol. @default 0 (NETLINK_ROUTE) */
  readonly protocol?: number;
  /** Multicast groups to join, by number (RTNLGRP_LINK is 1). @default [] */
  readonly groups?: readonly number[];
  /** Receive buffer in bytes, forced beyond rmem_max where allowed. @default 4 MiB */
  readonly receiveBufferBytes?: number;
}
