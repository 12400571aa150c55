import { openCore } from './core.ts';
import { checkRemote, familyOf } from './endpoint.ts';
import type { SocketOptions } from './options.ts';
import type { UdpSocket } from './socket.ts';

/**
 * Opens a UDP socket and begins to receive; `local.address` says whether over IPv4 or IPv6.
 * @throws {PortInUseError}
 * @throws {AddressMissingError}
 * @throws {PermissionError}
 * @throws {RangeError} when an option is none; nothing was opened
 * @throws the signal's reason, when it aborts before
 */
export async function openSocket(options: SocketOptions): Promise<UdpSocket> {
  const { local } = options;
  const { base, sender } = await openCore(options, local);
  const family = familyOf('local', local);
  return {
    ...base,
    async send(data, to) {
      checkRemote('to', to, family);
      return sender.send({ data, to });
    },
    async sendBatch(batch) {
      for (const [index, { to }] of batch.entries()) checkRemote(`batch[${index}].to`, to, family);
      return sender.sendBatch(batch);
    },
  };
}
