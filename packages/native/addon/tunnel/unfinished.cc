#include "unfinished.h"

#include <netinet/in.h>

#include <cstring>

#include "checksum.h"
#include "mergeable.h"
#include "segmenter.h"
#include "transport.h"

namespace flannel::tunnel {
namespace {

constexpr std::size_t largestSegment = 65535;

std::size_t checksumOffsetOf(const IpHeader& ip) { return ip.protocol == IPPROTO_TCP ? tcp::checksumAt : udp::checksumAt; }

/** Sets what describes a TCP super-packet; false when there is no room for payload. */
bool describeTcp(OffloadHeader& offload, const std::uint8_t* header, const IpHeader& ip, std::size_t headerLength,
                 std::size_t mtu) {
  if (mtu <= headerLength || mtu - headerLength > largestSegment) return false;
  offload.gsoType = ip.source.family == Family::ipv4 ? OffloadHeader::gsoTcp4 : OffloadHeader::gsoTcp6;
  if (header[tcp::flagsAt] & tcp::cwr) offload.gsoType |= OffloadHeader::gsoEcn;
  offload.segmentSize = static_cast<std::uint16_t>(mtu - headerLength);
  return true;
}

}  // namespace

bool hasPartialChecksum(std::span<const std::uint8_t> packet, const IpHeader& ip) {
  if (ip.fragment || (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP)) return false;
  const std::size_t at = ip.length + checksumOffsetOf(ip);
  std::uint16_t checksum;
  if (packet.size() < at + sizeof checksum) return false;
  std::memcpy(&checksum, &packet[at], sizeof checksum);
  const auto length = static_cast<std::uint32_t>(packet.size() - ip.length);
  return checksum == fold(pseudoHeaderSum(ip.source, ip.destination, ip.protocol, length));
}

std::optional<OffloadHeader> completionOf(std::span<const std::uint8_t> packet, const IpHeader& ip, std::size_t mtu,
                                          std::size_t segmentSize) {
  if (!hasPartialChecksum(packet, ip)) return std::nullopt;
  OffloadHeader offload{
      .flags = OffloadHeader::needsChecksum,
      .checksumStart = ip.length,
      .checksumOffset = static_cast<std::uint16_t>(checksumOffsetOf(ip)),
  };
  if (packet.size() <= mtu && segmentSize == 0) return offload;

  const TransportHeader transport = parseTransportHeader(packet, ip);
  if (transport.payload == 0 || transport.headerLength > Segmenter::maximumHeaderLength) return std::nullopt;
  offload.headerLength = static_cast<std::uint16_t>(transport.headerLength);
  if (transport.kind == TransportHeader::Kind::tcp) {
    if (!describeTcp(offload, &packet[ip.length], ip, transport.headerLength, mtu)) return std::nullopt;
  } else {
    if (segmentSize == 0 || segmentSize > largestSegment) return std::nullopt;
    offload.gsoType = OffloadHeader::gsoUdp;
    offload.segmentSize = static_cast<std::uint16_t>(segmentSize);
  }
  return offload;
}

}  // namespace flannel::tunnel
