import { openCore } from './core.ts';
import { familyOf } from './endpoint.ts';
import type { ConnectedSocketOptions } from './options.ts';
import type { ConnectedSocket } from './socket.ts';

const ANY = { 4: { address: '0.0.0.0', port: 0 }, 6: { address: '::', port: 0 } };

/**
 * Opens a UDP socket that talks with one peer, and learns what the peer's host and routers say of datagrams sent.
 * @throws {UnreachableError} when there is no route; whether somebody listens is seen later
 * @throws {PortInUseError}
 * @throws {AddressMissingError}
 * @throws {PermissionError}
 * @throws {RangeError} when an option is none; nothing was opened
 * @throws the signal's reason, when it aborts before
 */
export async function connectSocket(options: ConnectedSocketOptions): Promise<ConnectedSocket> {
  const { remote, local = ANY[familyOf('remote', remote)] } = options;
  const { base, sender } = await openCore(options, local, remote);
  const to = { address: remote.address, port: remote.port };
  return {
    ...base,
    remote: to,
    send: (data) => sender.send({ data, to }),
    sendBatch: async (batch) => sender.sendBatch(batch.map((data) => ({ data, to }))),
  };
}
