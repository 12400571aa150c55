import { isIP } from 'node:net';

/** Version of the Internet Protocol. */
export type Family = 4 | 6;

/** One end of a conversation over UDP. */
export interface Endpoint {
  /** An address, never a host name: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`. */
  readonly address: string;
  /** 0 to 65535. As a local port 0 lets the kernel choose; nothing is sent to port 0. */
  readonly port: number;
}

/** The family of an endpoint's address. @throws {RangeError} when it is no address; the message names `field` */
export function familyOf(field: string, { address }: Endpoint): Family {
  const family = isIP(address);
  if (family === 4 || family === 6) return family;
  throw new RangeError(
    `${field}.address ${JSON.stringify(address)} is no IP address: resolve host names with dns.lookup first`,
  );
}

/** @throws {RangeError} when the port is none that a socket can have; the message names `field` */
export function checkLocalPort(field: string, { port }: Endpoint): void {
  if (Number.isInteger(port) && port >= 0 && port <= 0xffff) return;
  throw new RangeError(`${field}.port is ${port}: pass 1 to 65535, or 0 to let the kernel choose`);
}

/** @throws {RangeError} when nothing can be sent there from a socket of `family`; the message names `field` */
export function checkRemote(field: string, remote: Endpoint, family: Family): void {
  if (familyOf(field, remote) !== family) {
    const mapped = family === 6 ? `, such as ::ffff:${remote.address} when ipv6Only is false` : '';
    throw new RangeError(
      `${field}.address ${remote.address} does not fit an IPv${family} socket: pass an IPv${family} address${mapped}`,
    );
  }
  if (Number.isInteger(remote.port) && remote.port > 0 && remote.port <= 0xffff) return;
  throw new RangeError(`${field}.port is ${remote.port}: pass 1 to 65535`);
}
