#include "ip_header.h"

#include "byte_order.h"
#include "checksum.h"

namespace flannel::tunnel {
namespace {

/*
 *    0                   1                   2                   3      RFC 791, section 3.1
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   |Version|  IHL  |Type of Service|          Total Length         |
 *   |         Identification        |Flags|      Fragment Offset    |
 *   |  Time to Live |    Protocol   |         Header Checksum       |
 *   |                       Source Address                          |
 *   |                    Destination Address                        |
 */
std::optional<IpHeader> parseIpv4(std::span<const std::uint8_t> packet) {
  if (packet.size() < ipv4HeaderLength) return std::nullopt;
  const std::uint8_t* at = packet.data();
  const std::uint16_t length = (at[0] & 0x0f) * 4;
  const std::uint16_t totalLength = load16(at + 2);
  if (length < ipv4HeaderLength || totalLength < length || totalLength > packet.size()) return std::nullopt;
  const std::uint16_t fragmentation = load16(at + 6);
  return IpHeader{
      .source = {Family::ipv4, {std::uint64_t{load32(at + 12)} << 32, 0}},
      .destination = {Family::ipv4, {std::uint64_t{load32(at + 16)} << 32, 0}},
      .length = length,
      .totalLength = totalLength,
      .protocol = at[9],
      .hops = at[8],
      .dontFragment = (fragmentation & 0x4000) != 0,
      .fragment = (fragmentation & 0x3fff) != 0,
      .laterFragment = (fragmentation & 0x1fff) != 0,
  };
}

/*
 *    0                   1                   2                   3      RFC 8200, section 3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   |Version| Traffic Class |           Flow Label                  |
 *   |         Payload Length        |  Next Header  |   Hop Limit   |
 *   |                    Source Address (16 bytes)                  |
 *   |                  Destination Address (16 bytes)               |
 */
std::optional<IpHeader> parseIpv6(std::span<const std::uint8_t> packet) {
  if (packet.size() < ipv6HeaderLength) return std::nullopt;
  const std::uint8_t* at = packet.data();
  const std::uint32_t totalLength = ipv6HeaderLength + std::uint32_t{load16(at + 4)};
  if (totalLength > packet.size()) return std::nullopt;
  return IpHeader{
      .source = {Family::ipv6, {load64(at + 8), load64(at + 16)}},
      .destination = {Family::ipv6, {load64(at + 24), load64(at + 32)}},
      .length = ipv6HeaderLength,
      .totalLength = totalLength,
      .protocol = at[6],
      .hops = at[7],
      .dontFragment = true,
      .fragment = false,
      .laterFragment = false,
  };
}

}  // namespace

std::optional<IpHeader> parseIpHeader(std::span<const std::uint8_t> packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4) {
    case 4:
      return parseIpv4(packet);
    case 6:
      return parseIpv6(packet);
    default:
      return std::nullopt;
  }
}

void decrementHops(std::uint8_t* packet, Family family) {
  if (family == Family::ipv6) {
    packet[7]--;
    return;
  }
  const std::uint16_t before = load16(packet + 8);
  packet[8]--;
  updateChecksum(packet + 10, before, load16(packet + 8));
}

}  // namespace flannel::tunnel
