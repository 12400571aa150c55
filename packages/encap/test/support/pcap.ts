const MAGIC = 0xa1b2c3d4;
const LINK_TYPE_ETHERNET = 1;
const FILE_HEADER = 24;
const PACKET_HEADER = 16;

/**
 * The Ethernet frames of a capture as `tcpdump -w` writes it (pcap-savefile(5)); one that is still being
 * written has them up to the last whole one.
 *
 *     file:   magic, version, zone, accuracy, snapshot length, link type   24 bytes
 *     packet: seconds, microseconds, captured length, length on the wire   16 bytes, then the frame
 */
export function readPcap(file: Buffer): Buffer[] {
  if (file.length < FILE_HEADER) return [];
  if (file.readUInt32LE(0) !== MAGIC) throw new Error('not a capture file of this machine');
  if (file.readUInt32LE(20) !== LINK_TYPE_ETHERNET) throw new Error('not a capture of Ethernet');
  const frames: Buffer[] = [];
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length;) {
    const captured = file.readUInt32LE(at + 8);
    const end = at + PACKET_HEADER + captured;
    if (end > file.length) break;
    if (captured !== file.readUInt32LE(at + 12)) throw new Error('tcpdump cut a frame');
    frames.push(file.subarray(at + PACKET_HEADER, end));
    at = end;
  }
  return frames;
}
