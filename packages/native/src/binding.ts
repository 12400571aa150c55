import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BpfCalls } from './bpf.ts';
import type { PacketTunnel, PacketTunnelOptions } from './packet-tunnel.ts';

/** What the addon exports; each part of this package types its own. */
interface Binding extends BpfCalls {
  readonly NetlinkPort: new (
    protocol: number,
    groups: readonly number[],
    receiveBufferBytes: number,
  ) => {
    send(datagram: Uint8Array): void;
    exchange(datagram: Uint8Array): Uint8Array;
    listen(onDatagram: (datagram: Uint8Array) => void, onError: (error: SystemError) => void): void;
    close(): void;
  };
  readonly PacketTunnel: new (options: PacketTunnelOptions) => PacketTunnel;
  inNamespace(path: string, run: () => unknown): unknown;
  notifySystemd(socketPath: string, text: string): void;
  unblockSignal(signal: number): void;
}

/** A failed system call, with the fields of Node's own system errors. */
export interface SystemError extends Error {
  /** Positive errno, such as 1. */
  readonly errno: number;
  /** Its name, such as `EPERM`. */
  readonly code: string;
  /** The call that failed, such as `bind AF_NETLINK`. */
  readonly syscall: string;
}

/** The compiled addon is missing or does not fit this machine. */
export class AddonError extends Error {
  constructor(options: ErrorOptions) {
    super(
      'the native addon cannot be loaded; build it with "npm rebuild @flannel-ts/native", ' +
        'or in a checkout with "npm run build:addon -w packages/native" (both need g++, make and python3)',
      options,
    );
    this.name = 'AddonError';
  }
}

let binding: Binding | undefined;

/** The addon, loaded at the first use. @throws {AddonError} */
export function loadBinding(): Binding {
  if (binding) return binding;
  try {
    const require = createRequire(import.meta.url);
    const load = require('node-gyp-build') as (directory: string) => Binding;
    binding = load(join(import.meta.dirname, '..'));
    return binding;
  } catch (cause) {
    throw new AddonError({ cause });
  }
}
