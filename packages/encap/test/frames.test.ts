import { parseAddress } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import {
  ETHER_TYPE,
  EthernetView,
  formatMac,
  IcmpView,
  IpReader,
  Ipv4View,
  Ipv6View,
  parseMac,
  PROTOCOL,
  setTransportChecksum,
  UdpView,
  VxlanView,
  writeEthernet,
  writeIcmp,
  writeIpv4,
  writeIpv6,
  writeUdp,
  writeVxlan,
} from '../src/index.ts';
import { dissect } from './support/dissect.ts';
import { frames } from './support/frames.ts';

/** Where the headers of the two VXLAN frames are. */
const over4 = { ip: 14, udp: 34, vxlan: 42, inner: 50, innerIp: 64, icmp: 84 };
const over6 = { ip: 14, udp: 54, vxlan: 62, inner: 70, innerIp: 84, icmp: 124 };
const bytesOf = (text: string) => parseAddress(text).toBytes();

it.each([
  ['vxlanOverIpv4', 'ipv4 udp vxlan 42 group 308 D ipv4 icmp echo-request'],
  ['vxlanOverIpv6', 'ipv6 udp vxlan 42 group 308 D ipv6 icmp echo-request'],
  ['portUnreachable', 'ipv4 udp vxlan 42 ipv4 icmp unreachable [ipv4 protocol 17]'],
  ['listenerReport', 'ipv6 icmp other'],
] as const)('%s is decoded to the bottom', (name, expected) => {
  expect(dissect(frames[name])).toBe(expected);
});

describe('every field', () => {
  it('of Ethernet', () => {
    const view = new EthernetView();
    expect(view.read(frames.vxlanOverIpv4, over4.inner)).toBeUndefined();
    expect(formatMac(view.bytes, view.destinationAt)).toBe('ca:b4:00:12:0c:0f');
    expect(formatMac(view.bytes, view.sourceAt)).toBe('62:4a:ae:7e:c4:9b');
    expect(view).toMatchObject({ etherType: ETHER_TYPE.ipv4, start: 50, payloadStart: 64, payloadEnd: 100 });
  });

  it('of IPv4', () => {
    const view = new Ipv4View();
    expect(view.read(frames.vxlanOverIpv4, over4.innerIp)).toBeUndefined();
    expect(view).toMatchObject({
      ...{ family: 4, trafficClass: 0, totalBytes: 36, identification: 0xdcf2, checksum: 0x49d2 },
      ...{ dontFragment: true, moreFragments: false, fragmentOffset: 0, isFragment: false },
      ...{ hopLimit: 64, protocol: PROTOCOL.icmp, payloadStart: 84, payloadEnd: 100, optionsStart: 84 },
      ...{ sourceWord: 0x0a090001, destinationWord: 0x0a090002 },
    });
    expect(`${view.source().toString()} > ${view.destination().toString()}`).toBe('10.9.0.1 > 10.9.0.2');
    expect(view.verifyChecksum()).toBe(true);
  });

  it('of IPv6', () => {
    const view = new Ipv6View();
    expect(view.read(frames.vxlanOverIpv6, over6.innerIp)).toBeUndefined();
    expect(view).toMatchObject({
      ...{ family: 6, trafficClass: 0, flowLabel: 0x7a4d5, totalBytes: 56, hopLimit: 64 },
      ...{ protocol: PROTOCOL.icmpv6, payloadStart: 124, payloadEnd: 140, isFragment: false },
    });
    expect(`${view.source().toString()} > ${view.destination().toString()}`).toBe('fd09::1 > fd09::2');
  });

  it('of IPv6 with an extension header', () => {
    const view = new Ipv6View();
    expect(view.read(frames.listenerReport, 14)).toBeUndefined();
    expect(view).toMatchObject({ protocol: PROTOCOL.icmpv6, payloadStart: 62, payloadEnd: 90, hopLimit: 1 });
  });

  it('of UDP', () => {
    const view = new UdpView();
    expect(view.read(frames.vxlanOverIpv4, over4.udp)).toBeUndefined();
    expect(view).toMatchObject({ sourcePort: 0x8b03, destinationPort: 8472, length: 66, checksum: 0xd036 });
    expect(view).toMatchObject({ payloadStart: 42, payloadEnd: 100 });
  });

  it('of VXLAN', () => {
    const view = new VxlanView();
    expect(view.read(frames.vxlanOverIpv4, over4.vxlan)).toBeUndefined();
    expect(view).toMatchObject({ vni: 42, groupPolicyId: 0x134, dontLearn: true, policyApplied: false });
    expect(view.read(frames.portUnreachable, over4.vxlan)).toBeUndefined();
    expect(view).toMatchObject({ vni: 42, dontLearn: false, policyApplied: false });
    expect(view.groupPolicyId).toBeUndefined();
  });

  it('of an echo, and of an error with what it quotes', () => {
    const view = new IcmpView(4);
    expect(view.read(frames.vxlanOverIpv4, over4.icmp)).toBeUndefined();
    expect(view).toMatchObject({ type: 8, code: 0, kind: 'echo-request', checksum: 0x8ac2 });
    expect(view).toMatchObject({ identifier: 0x612c, sequence: 1, quotesPacket: false });

    expect(view.read(frames.portUnreachable, over4.icmp)).toBeUndefined();
    expect(view).toMatchObject({ type: 3, code: 3, kind: 'unreachable', quotesPacket: true });
    const quoted = new IpReader();
    expect(quoted.readQuoted(view.bytes, view.payloadStart, view.payloadEnd)).toBeUndefined();
    const udp = new UdpView();
    expect(udp.readQuoted(view.bytes, quoted.packet.payloadStart, quoted.packet.payloadEnd)).toBeUndefined();
    expect(udp).toMatchObject({ sourcePort: 0xadb8, destinationPort: 9 });
  });
});

describe("the same fields make the kernel's frame, byte for byte", () => {
  const vxlan = { vni: 42, groupPolicyId: 0x134, dontLearn: true };
  const data = Buffer.from('0001020304050607', 'hex');

  it('over IPv4', () => {
    const bytes = Buffer.alloc(100, 0xee);
    const [destination, source] = [parseMac('d2:95:aa:d9:58:f2'), parseMac('ae:82:ba:bf:5e:4a')];
    let at = writeEthernet(bytes, 0, { destination, source, etherType: ETHER_TYPE.ipv4 });
    at = writeIpv4(bytes, at, {
      ...{ source: bytesOf('192.168.77.11'), destination: bytesOf('192.168.77.12') },
      ...{ protocol: PROTOCOL.udp, payloadBytes: 66, hopLimit: 64, identification: 0x4fcc },
    });
    at = writeUdp(bytes, at, { sourcePort: 0x8b03, destinationPort: 8472, payloadBytes: 58 });
    at = writeVxlan(bytes, at, vxlan);
    at = writeEthernet(bytes, at, {
      destination: parseMac('ca:b4:00:12:0c:0f'),
      source: parseMac('62:4a:ae:7e:c4:9b'),
      etherType: ETHER_TYPE.ipv4,
    });
    at = writeIpv4(bytes, at, {
      ...{ source: bytesOf('10.9.0.1'), destination: bytesOf('10.9.0.2'), protocol: PROTOCOL.icmp },
      ...{ payloadBytes: 16, hopLimit: 64, identification: 0xdcf2, dontFragment: true },
    });
    at = writeIcmp(bytes, at, { family: 4, kind: 'echo-request', identifier: 0x612c, sequence: 1 });
    expect(at).toBe(92);
    bytes.set(data, at);
    setChecksums(bytes, [over4.innerIp, over4.ip]);
    expect(bytes.toString('hex')).toBe(frames.vxlanOverIpv4.toString('hex'));
  });

  it('over IPv6', () => {
    const bytes = Buffer.alloc(140, 0xee);
    const [destination, source] = [parseMac('d2:95:aa:d9:58:f2'), parseMac('ae:82:ba:bf:5e:4a')];
    let at = writeEthernet(bytes, 0, { destination, source, etherType: ETHER_TYPE.ipv6 });
    at = writeIpv6(bytes, at, {
      ...{ source: bytesOf('fd77::1'), destination: bytesOf('fd77::2') },
      ...{ protocol: PROTOCOL.udp, payloadBytes: 86, hopLimit: 64 },
    });
    at = writeUdp(bytes, at, { sourcePort: 0x9c89, destinationPort: 8472, payloadBytes: 78 });
    at = writeVxlan(bytes, at, vxlan);
    at = writeEthernet(bytes, at, {
      destination: parseMac('12:cf:e4:cb:83:54'),
      source: parseMac('be:21:f2:ef:86:19'),
      etherType: ETHER_TYPE.ipv6,
    });
    at = writeIpv6(bytes, at, {
      ...{ source: bytesOf('fd09::1'), destination: bytesOf('fd09::2'), protocol: PROTOCOL.icmpv6 },
      ...{ payloadBytes: 16, hopLimit: 64, flowLabel: 0x7a4d5 },
    });
    at = writeIcmp(bytes, at, { family: 6, kind: 'echo-request', identifier: 0x61b8, sequence: 1 });
    expect(at).toBe(132);
    bytes.set(data, at);
    setChecksums(bytes, [over6.innerIp, over6.ip]);
    expect(bytes.toString('hex')).toBe(frames.vxlanOverIpv6.toString('hex'));
  });

  /** The inner one first: the outer one covers it. */
  function setChecksums(bytes: Uint8Array, offsets: readonly number[]): void {
    const ip = new IpReader();
    for (const offset of offsets) {
      expect(ip.read(bytes, offset)).toBeUndefined();
      setTransportChecksum(ip.packet);
    }
  }
});
