#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tunnel/byte_order.h"
#include "tunnel/checksum.h"
#include "tunnel/ip_header.h"
#include "tunnel/transport.h"

namespace flannel::tunnel {

using Bytes = std::vector<std::uint8_t>;

/** A packet to be built: every field that merging looks at. */
struct PacketSpec {
  Family family = Family::ipv4;
  bool tcp = true;
  std::size_t payload = 100;
  std::uint8_t source = 9;
  std::uint16_t sourcePort = 1000;
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
  bool dontFragment = true;
  std::uint16_t identification = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 7;
  std::uint8_t flags = tcp::ack;
  std::uint16_t window = 500;
  /** Bytes of TCP options, a multiple of 4: a timestamp option repeated. */
  std::size_t options = 0;
  bool checksum = true;
  /** The checksum is the bare sum of the pseudo header, as a sender leaves it to its network card. */
  bool partial = false;
  std::uint8_t fill = 0;
};

/** Addresses of the other side and of this one: 10.5.2.x or fd00:5:0:2::x, 10.5.1.9 or fd00:5:0:1::9. */
inline Address remoteAddress(Family family, std::uint8_t host) {
  if (family == Family::ipv4) return {family, {std::uint64_t{0x0a050200u + host} << 32, 0}};
  return {family, {0xfd00000500000002, host}};
}
inline Address localAddress(Family family) {
  if (family == Family::ipv4) return {family, {std::uint64_t{0x0a050109} << 32, 0}};
  return {family, {0xfd00000500000001, 9}};
}

/** Sets the length fields and checksums of a packet that is otherwise complete. */
inline void finishPacket(Bytes& packet, const PacketSpec& spec) {
  const bool v4 = spec.family == Family::ipv4;
  const std::size_t transportAt = v4 ? ipv4HeaderLength : ipv6HeaderLength;
  const auto transportLength = static_cast<std::uint32_t>(packet.size() - transportAt);
  if (v4) {
    store16(&packet[2], static_cast<std::uint16_t>(packet.size()));
    store16(&packet[10], 0);
    storeChecksum(&packet[10], sumOf({packet.data(), ipv4HeaderLength}));
  } else {
    store16(&packet[4], static_cast<std::uint16_t>(transportLength));
  }
  std::uint8_t* transport = &packet[transportAt];
  if (!spec.tcp) store16(transport + udp::lengthAt, static_cast<std::uint16_t>(transportLength));
  std::uint8_t* checksum = transport + (spec.tcp ? tcp::checksumAt : udp::checksumAt);
  store16(checksum, 0);
  if (!spec.checksum) return;
  const std::uint8_t protocol = spec.tcp ? IPPROTO_TCP : IPPROTO_UDP;
  const Sum pseudoHeader =
      pseudoHeaderSum(remoteAddress(spec.family, spec.source), localAddress(spec.family), protocol, transportLength);
  if (spec.partial) return storePartialChecksum(checksum, pseudoHeader);
  storeChecksum(checksum, pseudoHeader + sumOf({transport, transportLength}));
  if (load16(checksum) == 0) store16(checksum, 0xffff);
}

/** A valid packet from the other side to this one. */
inline Bytes buildPacket(const PacketSpec& spec) {
  const bool v4 = spec.family == Family::ipv4;
  const std::size_t ipLength = v4 ? ipv4HeaderLength : ipv6HeaderLength;
  const std::size_t transportLength = spec.tcp ? tcp::headerLength + spec.options : udp::headerLength;
  Bytes packet(ipLength + transportLength + spec.payload);
  const Address from = remoteAddress(spec.family, spec.source);
  const Address to = localAddress(spec.family);
  const std::uint8_t protocol = spec.tcp ? IPPROTO_TCP : IPPROTO_UDP;
  if (v4) {
    packet[0] = 0x45;
    packet[1] = spec.tos;
    store16(&packet[4], spec.identification);
    store16(&packet[6], spec.dontFragment ? 0x4000 : 0);
    packet[8] = spec.ttl;
    packet[9] = protocol;
    store32(&packet[12], static_cast<std::uint32_t>(from.bits.high >> 32));
    store32(&packet[16], static_cast<std::uint32_t>(to.bits.high >> 32));
  } else {
    store32(&packet[0], 0x60000000u | std::uint32_t{spec.tos} << 20);
    packet[6] = protocol;
    packet[7] = spec.ttl;
    store64(&packet[8], from.bits.high);
    store64(&packet[16], from.bits.low);
    store64(&packet[24], to.bits.high);
    store64(&packet[32], to.bits.low);
  }
  std::uint8_t* transport = &packet[ipLength];
  store16(transport, spec.sourcePort);
  store16(transport + 2, 2000);
  if (spec.tcp) {
    store32(transport + tcp::sequenceAt, spec.sequence);
    store32(transport + tcp::acknowledgementAt, spec.acknowledgement);
    transport[tcp::dataOffsetAt] = static_cast<std::uint8_t>(transportLength / 4 << 4);
    transport[tcp::flagsAt] = spec.flags;
    store16(transport + tcp::windowAt, spec.window);
    for (std::size_t at = 0; at < spec.options; at++) transport[tcp::headerLength + at] = 1;
  }
  for (std::size_t at = 0; at < spec.payload; at++) {
    packet[ipLength + transportLength + at] = static_cast<std::uint8_t>(spec.fill + at * 7 + spec.sequence);
  }
  finishPacket(packet, spec);
  return packet;
}

}  // namespace flannel::tunnel
