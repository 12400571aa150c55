import {
  addressFromBytes,
  familyBits,
  prefixOf,
  type Address,
  type InterfaceAddress,
  type Prefix,
} from '@flannel-ts/ip';
import { packetTunnelRecordBytes as recordBytes } from '@flannel-ts/native';
import type { Counter, Endpoint, Traffic, TunnelRoute } from './tunnel.ts';

/** Bytes of a peer in the statistics: a route and four counts. */
const peerBytes = 2 * recordBytes + 4 * 8;

export function encodeEndpoint(endpoint: Endpoint): Uint8Array {
  return encode([endpoint], 1, (view, endpoint) => writeEndpoint(view, 0, endpoint));
}

export function encodePrefixes(prefixes: readonly Prefix[]): Uint8Array {
  return encode(prefixes, 1, (view, prefix) => writePrefix(view, prefix));
}

export function encodeRoutes(routes: readonly TunnelRoute[]): Uint8Array {
  return encode(routes, 2, (view, { destination, peer }) => {
    writePrefix(view, destination);
    writeEndpoint(view, recordBytes, peer);
    view.setUint8(recordBytes + 1, peer.ecn ? 1 : 0);
  });
}

export function encodeSubnets(subnets: readonly InterfaceAddress[]): Uint8Array {
  return encode(subnets, 2, (view, { prefix, address }) => {
    writePrefix(view, prefix);
    writeAddress(view, recordBytes, address);
  });
}

/** Reads what user space carried by route. */
export function decodePeers(records: Uint8Array): (Traffic & { readonly route: TunnelRoute })[] {
  const peers = [];
  for (let offset = 0; offset < records.length; offset += peerBytes) {
    const view = new DataView(records.buffer, records.byteOffset + offset, peerBytes);
    const destination = prefixOf(readAddress(view, 0), view.getUint8(1));
    const peer = { address: readAddress(view, recordBytes), port: view.getUint16(recordBytes + 2) };
    const counts = 2 * recordBytes;
    peers.push({
      route: { destination, peer },
      sent: readCounter(view, counts),
      received: readCounter(view, counts + 16),
    });
  }
  return peers;
}

/** Writes each value into records of its own. */
function encode<T>(
  values: readonly T[],
  records: number,
  write: (view: DataView, value: T) => void,
): Uint8Array {
  const size = records * recordBytes;
  const bytes = new Uint8Array(values.length * size);
  values.forEach((value, index) => write(new DataView(bytes.buffer, index * size, size), value));
  return bytes;
}

function writePrefix(view: DataView, prefix: Prefix): void {
  writeAddress(view, 0, prefix.network);
  view.setUint8(1, prefix.length);
}

function writeEndpoint(view: DataView, offset: number, endpoint: Endpoint): void {
  writeAddress(view, offset, endpoint.address);
  view.setUint16(offset + 2, endpoint.port);
}

function writeAddress(view: DataView, offset: number, { family, value }: Address): void {
  const bits = value << BigInt(128 - familyBits(family));
  view.setUint8(offset, family);
  view.setBigUint64(offset + 4, bits >> 64n);
  view.setBigUint64(offset + 12, BigInt.asUintN(64, bits));
}

function readAddress(view: DataView, offset: number): Address {
  const length = view.getUint8(offset) === 4 ? 4 : 16;
  return addressFromBytes(new Uint8Array(view.buffer, view.byteOffset + offset + 4, length));
}

function readCounter(view: DataView, offset: number): Counter {
  return { packets: Number(view.getBigUint64(offset)), bytes: Number(view.getBigUint64(offset + 8)) };
}
