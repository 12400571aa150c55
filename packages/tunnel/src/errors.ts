import type { SystemError } from '@flannel-ts/native';
import type { Endpoint } from './tunnel.ts';

/** Why a tunnel could not be opened. */
export type TunnelOpenProblem =
  'port-in-use' | 'address-missing' | 'no-permission' | 'no-tun' | 'device-busy' | 'not-a-tun' | 'other';

/** A tunnel could not be opened. */
export class TunnelOpenError extends Error {
  readonly problem: TunnelOpenProblem;
  readonly device: string;
  readonly local: Endpoint;

  constructor(device: string, local: Endpoint, cause: SystemError) {
    const problem = classify(cause);
    super(`cannot open the tunnel: ${explain(problem, device, local, cause)}`, { cause });
    this.name = 'TunnelOpenError';
    this.problem = problem;
    this.device = device;
    this.local = local;
  }
}

/** A running tunnel stopped carrying packets, for example because its device was deleted: close it and open a new one. */
export class TunnelFailedError extends Error {
  readonly device: string;

  constructor(device: string, cause: Error) {
    super(`the tunnel on ${device} stopped: ${cause.message}; open it again`, { cause });
    this.name = 'TunnelFailedError';
    this.device = device;
  }
}

function classify({ code, message }: SystemError): TunnelOpenProblem {
  switch (code) {
    case 'EADDRINUSE':
      return 'port-in-use';
    case 'EADDRNOTAVAIL':
      return 'address-missing';
    case 'EPERM':
    case 'EACCES':
      return 'no-permission';
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return 'no-tun';
    case 'EBUSY':
      return 'device-busy';
    case 'EINVAL':
      return message.includes('attach') ? 'not-a-tun' : 'other';
    default:
      return 'other';
  }
}

function explain(problem: TunnelOpenProblem, device: string, local: Endpoint, cause: Error): string {
  switch (problem) {
    case 'port-in-use':
      return `UDP port ${local.port} on ${local.address.toString()} is in use; end the other program (ss -lunp sport = :${local.port} shows it) or choose another port`;
    case 'address-missing':
      return `no interface of this host has ${local.address.toString()}; choose an address that ip address shows`;
    case 'no-permission':
      return `${cause.message}; run as root or with CAP_NET_ADMIN`;
    case 'no-tun':
      return `${cause.message}; load the kernel's tun module (modprobe tun), and in a container pass /dev/net/tun in`;
    case 'device-busy':
      return `another process has ${device} open; end it or choose another device name`;
    case 'not-a-tun':
      return `${device} exists and is no TUN device; delete it (ip link delete ${device}) or choose another name`;
    case 'other':
      return cause.message;
  }
}
