#include "mergeable.h"

#include <netinet/in.h>

#include <cstring>

#include "byte_order.h"
#include "checksum.h"
#include "transport.h"

namespace flannel::tunnel {
namespace {

void parseTcp(std::span<const std::uint8_t> packet, const IpHeader& ip, TransportHeader& result) {
  if (packet.size() < ip.length + tcp::headerLength) return;
  const std::uint8_t* header = packet.data() + ip.length;
  const std::size_t length = tcp::headerLengthOf(header);
  if (length < tcp::headerLength || ip.length + length >= packet.size()) return;
  const std::uint8_t flags = header[tcp::flagsAt];
  result.mergeable = (flags & ~tcp::psh) == tcp::ack;
  result.push = (flags & tcp::psh) != 0;
  result.sequence = load32(header + tcp::sequenceAt);
  result.headerLength = ip.length + length;
  result.payload = packet.size() - result.headerLength;
}

void parseUdp(std::span<const std::uint8_t> packet, const IpHeader& ip, TransportHeader& result) {
  if (packet.size() <= ip.length + udp::headerLength) return;
  const std::uint8_t* header = packet.data() + ip.length;
  result.mergeable =
      load16(header + udp::lengthAt) == packet.size() - ip.length && load16(header + udp::checksumAt) != 0;
  result.headerLength = ip.length + udp::headerLength;
  result.payload = packet.size() - result.headerLength;
}

bool equal(const std::uint8_t* a, const std::uint8_t* b, std::size_t from, std::size_t to) {
  return std::memcmp(a + from, b + from, to - from) == 0;
}

bool tcpHeadersMatch(const std::uint8_t* a, const std::uint8_t* b, std::size_t length) {
  return equal(a, b, tcp::acknowledgementAt, tcp::flagsAt) && equal(a, b, tcp::windowAt, tcp::checksumAt) &&
         equal(a, b, tcp::urgentAt, length);
}

/** Version, header length, traffic class, fragmentation, time to live, or their IPv6 counterparts with the flow label. */
bool ipHeadersMatch(const std::uint8_t* a, const std::uint8_t* b, Family family) {
  if (family == Family::ipv6) return equal(a, b, 0, 4) && equal(a, b, 6, 8);
  return equal(a, b, 0, 2) && equal(a, b, 6, 10);
}

}  // namespace

TransportHeader parseTransportHeader(std::span<const std::uint8_t> packet, const IpHeader& ip) {
  TransportHeader result;
  if (ip.fragment || packet.size() < ip.length + sizeof result.ports) return result;
  if (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP) return result;
  std::memcpy(&result.ports, packet.data() + ip.length, sizeof result.ports);
  if (ip.protocol == IPPROTO_TCP) {
    result.kind = TransportHeader::Kind::tcp;
    parseTcp(packet, ip, result);
  } else {
    result.kind = TransportHeader::Kind::udp;
    parseUdp(packet, ip, result);
  }
  if (ip.source.family == Family::ipv4 && ip.length != ipv4HeaderLength) result.mergeable = false;
  return result;
}

bool headersMatch(std::span<const std::uint8_t> first, std::span<const std::uint8_t> next, const IpHeader& ip,
                  const TransportHeader& transport) {
  if (!ipHeadersMatch(first.data(), next.data(), ip.source.family)) return false;
  return transport.kind == TransportHeader::Kind::udp ||
         tcpHeadersMatch(first.data() + ip.length, next.data() + ip.length, transport.headerLength - ip.length);
}

bool checksumsValid(std::span<const std::uint8_t> packet, const IpHeader& ip) {
  constexpr std::uint16_t valid = 0xffff;
  if (ip.source.family == Family::ipv4 && fold(sumOf(packet.first(ip.length))) != valid) return false;
  const auto transport = packet.subspan(ip.length);
  const auto length = static_cast<std::uint32_t>(transport.size());
  return fold(pseudoHeaderSum(ip.source, ip.destination, ip.protocol, length) + sumOf(transport)) == valid;
}

}  // namespace flannel::tunnel
