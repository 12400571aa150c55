import {
  ETHER_TYPE,
  EthernetView,
  IcmpView,
  IpReader,
  Ipv4View,
  type Malformed,
  PROTOCOL,
  transportChecksumState,
  UdpView,
  VxlanView,
  type IpView,
} from '../../src/index.ts';

/** A frame that {@link dissect} refuses. */
export class Undecodable extends Error {
  /** What a view returned; `undefined` when a checksum was wrong. */
  readonly malformed: Malformed | undefined;

  constructor(problem: Malformed | string) {
    super(problem.toString());
    this.name = 'Undecodable';
    this.malformed = typeof problem === 'string' ? undefined : problem;
  }
}

/** Linux's port for VXLAN. */
export const VXLAN_PORT = 8472;

/** The port of flannel's udp backend. */
const UDP_BACKEND_PORT = 8285;

/**
 * Decodes a frame down to its innermost layer and says what it found in one line, such as
 * `ipv4 checksum-none udp vxlan 42 ipv6 icmp echo-request`: checksums are valid unless it says otherwise. What
 * an ICMP error quotes is in brackets.
 *
 * @throws {Undecodable} when anything is malformed or any checksum is wrong.
 */
export function dissect(frame: Uint8Array): string {
  return ethernet(frame, 0, frame.length).join(' ');
}

function ethernet(bytes: Uint8Array, start: number, end: number): string[] {
  const view = new EthernetView();
  accept(view.read(bytes, start, end));
  if (view.etherType === ETHER_TYPE.ipv4 || view.etherType === ETHER_TYPE.ipv6) {
    return ip(bytes, view.payloadStart, view.payloadEnd);
  }
  return [view.etherType === ETHER_TYPE.arp ? 'arp' : `ethertype ${view.etherType}`];
}

function ip(bytes: Uint8Array, start: number, end: number): string[] {
  const reader = new IpReader();
  accept(reader.read(bytes, start, end));
  const { packet } = reader;
  const name = `ipv${packet.family}`;
  if (packet instanceof Ipv4View && !packet.verifyChecksum())
    throw new Undecodable('IPv4 header checksum is wrong');
  if (packet.isFragment) return [name, 'fragment'];
  const state = transportChecksumState(packet);
  if (state === 'invalid')
    throw new Undecodable(`checksum over ${name} protocol ${packet.protocol} is wrong`);
  return [name, ...(state === 'valid' ? [] : [`checksum-${state}`]), ...above(packet)];
}

function above(packet: IpView): string[] {
  switch (packet.protocol) {
    case PROTOCOL.udp:
      return ['udp', ...datagram(packet)];
    case PROTOCOL.tcp:
      return ['tcp'];
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6:
      return ['icmp', ...icmp(packet)];
    default:
      return [`protocol ${packet.protocol}`];
  }
}

function datagram({ bytes, payloadStart, payloadEnd }: IpView): string[] {
  const udp = new UdpView();
  accept(udp.read(bytes, payloadStart, payloadEnd));
  if (udp.destinationPort === UDP_BACKEND_PORT) return ip(bytes, udp.payloadStart, udp.payloadEnd);
  if (udp.destinationPort !== VXLAN_PORT) return [];
  const vxlan = new VxlanView();
  accept(vxlan.read(bytes, udp.payloadStart, udp.payloadEnd));
  const policy = vxlan.groupPolicyId === undefined ? [] : [`group ${vxlan.groupPolicyId}`];
  const flags = [...(vxlan.dontLearn ? ['D'] : []), ...(vxlan.policyApplied ? ['A'] : [])];
  return [
    'vxlan',
    `${vxlan.vni}`,
    ...policy,
    ...flags,
    ...ethernet(bytes, vxlan.payloadStart, vxlan.payloadEnd),
  ];
}

function icmp({ family, bytes, payloadStart, payloadEnd }: IpView): string[] {
  const view = new IcmpView(family);
  accept(view.read(bytes, payloadStart, payloadEnd));
  const words: string[] = [view.kind];
  if (view.kind === 'too-big') words.push(`mtu ${view.mtu}`);
  if (!view.quotesPacket) return words;
  const quoted = new IpReader();
  accept(quoted.readQuoted(bytes, view.payloadStart, view.payloadEnd));
  const { packet } = quoted;
  const cut = packet.start + packet.totalBytes > packet.payloadEnd ? 'cut ' : '';
  return [...words, `[${cut}ipv${packet.family} protocol ${packet.protocol}]`];
}

function accept(malformed: Malformed | undefined): void {
  if (malformed) throw new Undecodable(malformed);
}
