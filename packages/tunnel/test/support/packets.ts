import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseAddress, type Address } from '@flannel-ts/ip';
import type { Host, Namespace } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';

export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  readonly payload?: Uint8Array;
  readonly ttl?: number;
  /** IPv4 type of service. @default 0 */
  readonly tos?: number;
  /** IPv4 fragment offset and flags. */
  readonly fragmentation?: number;
  /** The UDP checksum is the bare sum of the pseudo header, as a sender leaves it to its network card. */
  readonly unfinished?: boolean;
  /** @default 1000 */
  readonly sourcePort?: number;
  /** @default 2000 */
  readonly destinationPort?: number;
}

/** An IPv4 or IPv6 packet with UDP inside, built independently of the code under test. */
export function udpPacket({
  source,
  destination,
  payload = Buffer.from('hello'),
  ttl = 64,
  tos = 0,
  fragmentation = 0,
  unfinished = false,
  sourcePort = 1000,
  destinationPort = 2000,
}: PacketFields): Buffer {
  const [from, to] = [parseAddress(source), parseAddress(destination)];
  const udp = Buffer.alloc(8 + payload.length);
  udp.writeUInt16BE(sourcePort, 0);
  udp.writeUInt16BE(destinationPort, 2);
  udp.writeUInt16BE(udp.length, 4);
  udp.set(payload, 8);
  const pseudo = pseudoHeader(from, to, 17, udp.length);
  udp.writeUInt16BE(
    unfinished ? ~checksum(pseudo) & 0xffff : checksum(Buffer.concat([pseudo, udp])) || 0xffff,
    6,
  );
  return Buffer.concat([
    from.family === 4
      ? ipv4Header(from, to, 17, ttl, udp.length, fragmentation, tos)
      : ipv6Header(from, to, 17, ttl, udp.length),
    udp,
  ]);
}

export function ipv4Header(
  from: Address,
  to: Address,
  protocol: number,
  ttl: number,
  payload: number,
  fragmentation = 0,
  tos = 0,
): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = tos;
  header.writeUInt16BE(20 + payload, 2);
  header.writeUInt16BE(fragmentation, 6);
  header[8] = ttl;
  header[9] = protocol;
  header.set(from.toBytes(), 12);
  header.set(to.toBytes(), 16);
  header.writeUInt16BE(checksum(header), 10);
  return header;
}

function ipv6Header(
  from: Address,
  to: Address,
  nextHeader: number,
  hopLimit: number,
  payload: number,
): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload, 4);
  header[6] = nextHeader;
  header[7] = hopLimit;
  header.set(from.toBytes(), 8);
  header.set(to.toBytes(), 24);
  return header;
}

function pseudoHeader(from: Address, to: Address, protocol: number, length: number): Buffer {
  const rest = Buffer.alloc(8);
  rest.writeUInt32BE(length, 0);
  rest[7] = protocol;
  return Buffer.concat([from.toBytes(), to.toBytes(), rest]);
}

/** The Internet checksum (RFC 1071), byte by byte. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  bytes.forEach((byte, index) => (sum += index % 2 === 0 ? byte << 8 : byte));
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

/** A UDP socket inside a namespace, that collects what arrives. */
export interface LabSocket extends Disposable {
  readonly port: number;
  readonly received: { readonly data: Buffer; readonly from: RemoteInfo }[];
  send(data: Uint8Array, port: number, address: string): void;
  /** The next datagram that nobody took yet. */
  next(): Promise<Buffer>;
  onMessage(listener: (data: Buffer) => void): void;
}

/** Opens a UDP socket in a namespace. It must be done in one go: this thread is there only during the call. */
export function openSocket(namespace: string, address: string, port: number): LabSocket {
  const socket: Socket = inNamespace(namespace, () => {
    const socket = createSocket({
      type: address.includes(':') ? 'udp6' : 'udp4',
      lookup: (host, _options, done) => done(null, host, host.includes(':') ? 6 : 4),
    });
    return socket.bind(port, address);
  });
  const received: { data: Buffer; from: RemoteInfo }[] = [];
  let taken = 0;
  socket.on('message', (data, from) => received.push({ data, from }));
  return {
    port,
    received,
    send: (data, port, address) => socket.send(data, port, address),
    async next() {
      while (received.length <= taken) await once(socket, 'message');
      return received[taken++]!.data;
    },
    onMessage: (listener) => void socket.on('message', listener),
    [Symbol.dispose]: () => socket.close(),
  };
}

const raw = `
import socket, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.getprotobyname(sys.argv[1]))
raw.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[2], 0))
`;

const whole = `
import socket, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 0))
`;

/** Sends an IPv4 packet with its header, whose source may be another host's. */
export async function sendPacket(from: Namespace, address: string, packet: Uint8Array): Promise<void> {
  await from.run('python3', '-c', whole, address, Buffer.from(packet).toString('hex'));
}

/** Sends `payload` in an IPv4 packet of the kernel's making, which Node cannot. */
export async function sendRaw(
  host: Host,
  protocol: 'icmp' | 'udp',
  address: string,
  payload: Uint8Array,
): Promise<void> {
  await host.run('python3', '-c', raw, protocol, address, Buffer.from(payload).toString('hex'));
}

/** Sends a datagram without UDP checksum, as a fast path does. */
export async function sendUnchecked(
  host: Host,
  ports: { readonly from: number; readonly to: number },
  address: string,
  payload: Uint8Array,
): Promise<void> {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(ports.from, 0);
  header.writeUInt16BE(ports.to, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  await sendRaw(host, 'udp', address, Buffer.concat([header, payload]));
}
