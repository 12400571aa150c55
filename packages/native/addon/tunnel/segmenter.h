#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "checksum.h"
#include "ip_header.h"
#include "offload.h"

namespace flannel::tunnel {

/**
 * Completes the checksum of a packet that is not segmented, where the sender left it partial.
 * False when the header points outside the packet.
 */
bool completeChecksum(const OffloadHeader& offload, std::span<std::uint8_t> packet);

/**
 * Cuts a TCP or UDP super-packet into packets as its sender would have sent them: IPv4 identification counted up,
 * lengths, sequence numbers, FIN and PSH on the last one only, CWR on the first only (RFC 3168, section 6.1.2), checksums.
 * Payloads are parts of the super-packet; headers are written where the caller wants them. No allocation.
 */
class Segmenter {
 public:
  /** Longest headers that are taken: IPv4 and TCP with all options fit, and some IPv6 extension headers. */
  static constexpr std::size_t maximumHeaderLength = 256;

  /** Nothing when the offload header contradicts the packet. `packet` must outlive the segmenter. */
  static std::optional<Segmenter> create(const OffloadHeader& offload, std::span<const std::uint8_t> packet,
                                         const IpHeader& ip);

  /** Length of every segment's headers, IP and transport. */
  std::size_t headerLength() const { return headerLength_; }
  bool done() const { return offset_ >= packet_.size(); }

  /** Writes the next segment's headers to `header` ({@link headerLength} bytes) and returns its payload. */
  std::span<const std::uint8_t> next(std::uint8_t* header);

 private:
  Segmenter(std::span<const std::uint8_t> packet, const IpHeader& ip, bool tcp, std::size_t transport,
            std::size_t headerLength, std::size_t segmentSize);
  void writeIp(std::uint8_t* header, std::uint16_t length) const;
  void writeTcp(std::uint8_t* transport, bool last) const;

  std::span<const std::uint8_t> packet_;
  IpHeader ip_;
  /** Where the transport header starts, and the payload. */
  std::size_t transport_;
  std::size_t headerLength_;
  std::size_t checksumAt_;
  std::size_t segmentSize_;
  bool tcp_;
  Sum pseudoHeader_;
  /** Where the next payload starts. */
  std::size_t offset_;
  std::uint32_t index_ = 0;
};

}  // namespace flannel::tunnel
