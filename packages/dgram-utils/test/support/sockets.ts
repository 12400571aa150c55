import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  openSocket,
  type BoundSocket,
  type Datagram,
  type Family,
  type SocketOptions,
} from '../../src/index.ts';

export const families: readonly Family[] = [4, 6];

/** Any port of the loopback address. */
export const loopback = { 4: { address: '127.0.0.1', port: 0 }, 6: { address: '::1', port: 0 } };

export function open(family: Family, options: Omit<SocketOptions, 'local'> = {}) {
  return openSocket({ ...options, local: loopback[family] });
}

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = ({ data }: Datagram) => new TextDecoder().decode(data);

/** Turns of the event loop until Node has read `count` datagrams of the socket. */
export async function untilReceived(socket: BoundSocket, count: number): Promise<void> {
  while (socket.stats().received < count) await nextTurn();
}

/** The next datagrams. */
export async function read(socket: BoundSocket, count: number): Promise<Datagram[]> {
  const datagrams: Datagram[] = [];
  if (count === 0) return datagrams;
  for await (const datagram of socket) if (datagrams.push(datagram) === count) break;
  return datagrams;
}
