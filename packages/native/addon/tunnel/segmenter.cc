#include "segmenter.h"

#include <algorithm>
#include <cstring>

#include "byte_order.h"
#include "checksum.h"
#include "transport.h"

namespace flannel::tunnel {
namespace {

/** Zero means "no checksum" in UDP, and its complement is the same number in ones' complement (RFC 768). */
void storeNonZeroChecksum(std::uint8_t* at, Sum sum) {
  storeChecksum(at, sum);
  if (load16(at) == 0) store16(at, 0xffff);
}

}  // namespace

bool completeChecksum(const OffloadHeader& offload, std::span<std::uint8_t> packet) {
  if (!offload.hasPartialChecksum()) return true;
  const std::size_t start = offload.checksumStart;
  const std::size_t at = start + offload.checksumOffset;
  if (at + 2 > packet.size()) return false;
  // The field holds the sum of the pseudo header already.
  storeNonZeroChecksum(packet.data() + at, sumOf(packet.subspan(start)));
  return true;
}

std::optional<Segmenter> Segmenter::create(const OffloadHeader& offload, std::span<const std::uint8_t> packet,
                                           const IpHeader& ip) {
  const std::uint8_t kind = offload.gsoKind();
  const bool tcp = kind == OffloadHeader::gsoTcp4 || kind == OffloadHeader::gsoTcp6;
  if (!tcp && kind != OffloadHeader::gsoUdp) return std::nullopt;
  if (!offload.hasPartialChecksum() || offload.segmentSize == 0 || ip.fragment) return std::nullopt;

  // Where the transport header starts, also behind IPv6 extension headers.
  const std::size_t transport = offload.checksumStart;
  const std::size_t fixed = transport + (tcp ? tcp::headerLength : udp::headerLength);
  if (transport < ip.length || fixed > packet.size()) return std::nullopt;
  const std::size_t headers = tcp ? transport + tcp::headerLengthOf(&packet[transport]) : fixed;
  if (headers < fixed || headers > maximumHeaderLength || headers >= packet.size()) return std::nullopt;
  return Segmenter(packet, ip, tcp, transport, headers, offload.segmentSize);
}

Segmenter::Segmenter(std::span<const std::uint8_t> packet, const IpHeader& ip, bool tcp, std::size_t transport,
                     std::size_t headerLength, std::size_t segmentSize)
    : packet_(packet),
      ip_(ip),
      transport_(transport),
      headerLength_(headerLength),
      checksumAt_(transport + (tcp ? tcp::checksumAt : udp::checksumAt)),
      segmentSize_(segmentSize),
      tcp_(tcp),
      offset_(headerLength) {
  // The partial checksum is the sum of the pseudo header; without its length it serves every segment.
  const auto length = static_cast<std::uint16_t>(packet.size() - transport);
  pseudoHeader_ = sumOf(load16(&packet[checksumAt_])) + sumOf(static_cast<std::uint16_t>(~length));
}

std::span<const std::uint8_t> Segmenter::next(std::uint8_t* header) {
  const auto payload = packet_.subspan(offset_, std::min(segmentSize_, packet_.size() - offset_));
  const auto length = static_cast<std::uint16_t>(headerLength_ + payload.size());
  const auto transportLength = static_cast<std::uint16_t>(length - transport_);
  std::memcpy(header, packet_.data(), headerLength_);
  writeIp(header, length);
  if (tcp_) {
    writeTcp(header + transport_, offset_ + payload.size() == packet_.size());
  } else {
    store16(header + transport_ + udp::lengthAt, transportLength);
  }
  store16(header + checksumAt_, 0);
  storeNonZeroChecksum(header + checksumAt_, pseudoHeader_ + sumOf(transportLength) +
                                                 sumOf({header + transport_, headerLength_ - transport_}) +
                                                 sumOf(payload));
  offset_ += payload.size();
  index_++;
  return payload;
}

void Segmenter::writeIp(std::uint8_t* header, std::uint16_t length) const {
  if (ip_.source.family == Family::ipv6) {
    store16(header + 4, static_cast<std::uint16_t>(length - ipv6HeaderLength));
    return;
  }
  store16(header + 2, length);
  store16(header + 4, static_cast<std::uint16_t>(load16(header + 4) + index_));
  store16(header + 10, 0);
  storeChecksum(header + 10, sumOf({header, ip_.length}));
}

void Segmenter::writeTcp(std::uint8_t* transport, bool last) const {
  const auto sent = static_cast<std::uint32_t>(offset_ - headerLength_);
  store32(transport + tcp::sequenceAt, load32(transport + tcp::sequenceAt) + sent);
  if (!last) transport[tcp::flagsAt] &= static_cast<std::uint8_t>(~(tcp::fin | tcp::psh));
  if (index_ > 0) transport[tcp::flagsAt] &= static_cast<std::uint8_t>(~tcp::cwr);
}

}  // namespace flannel::tunnel
