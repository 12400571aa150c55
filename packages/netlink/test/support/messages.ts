import { readMessages, type RawMessage } from '../../src/message-reader.ts';

/** Bytes written as hexadecimal; what follows a `|` in a line says what they mean. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\|.*$/gm, '').replace(/\s/g, ''), 'hex');
}

/** One netlink message, padded to 4 bytes. */
export function message(
  type: number,
  { flags = 0, sequence = 0, body = Buffer.alloc(0) }: Partial<RawMessage>,
): Buffer {
  const bytes = Buffer.alloc((16 + body.length + 3) & ~3);
  bytes.writeUInt32LE(16 + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  body.copy(bytes, 16);
  return bytes;
}

/** A NLMSG_ERROR that quotes only the header of the request (NLM_F_CAPPED); errno 0 acknowledges. */
export function answer(sequence: number, errno = 0, text?: string): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  if (text === undefined) return message(2, { flags: 0x100, sequence, body });
  return message(2, { flags: 0x300, sequence, body: Buffer.concat([body, attribute(1, `${text}\0`)]) });
}

export function attribute(type: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  const result = Buffer.alloc((4 + bytes.length + 3) & ~3);
  result.writeUInt16LE(4 + bytes.length, 0);
  result.writeUInt16LE(type, 2);
  bytes.copy(result, 4);
  return result;
}

/** The only message of a datagram. */
export function only(datagram: Uint8Array): RawMessage {
  const messages = readMessages(datagram);
  if (messages.length !== 1) throw new Error(`${messages.length} messages`);
  return messages[0]!;
}
