#pragma once

#include <cstddef>
#include <cstdint>

namespace flannel::tunnel {

/**
 * What precedes every packet on a TUN device with offloads: whether the checksum is partial, and how to cut a
 * super-packet. It is struct virtio_net_hdr (virtio 1.2, section 5.1.6), whose kernel header C++ cannot read.
 * Fields in the machine's byte order.
 */
struct OffloadHeader {
  std::uint8_t flags = 0;
  std::uint8_t gsoType = 0;
  /** Length of all headers: a hint. */
  std::uint16_t headerLength = 0;
  /** Payload of every segment but the last. */
  std::uint16_t segmentSize = 0;
  /** Where the checksummed part starts, and where in it the checksum stands. */
  std::uint16_t checksumStart = 0;
  std::uint16_t checksumOffset = 0;

  static constexpr std::uint8_t needsChecksum = 1;

  static constexpr std::uint8_t gsoNone = 0;
  static constexpr std::uint8_t gsoTcp4 = 1;
  static constexpr std::uint8_t gsoTcp6 = 4;
  /** UDP segmentation, since Linux 6.2. */
  static constexpr std::uint8_t gsoUdp = 5;
  /** A flag beside the type: CWR is set. */
  static constexpr std::uint8_t gsoEcn = 0x80;

  std::uint8_t gsoKind() const { return gsoType & static_cast<std::uint8_t>(~gsoEcn); }
  /** Packets that a super-packet of this many bytes is cut into. */
  std::size_t packetsIn(std::size_t bytes) const {
    if (gsoKind() == gsoNone) return 1;
    return (bytes - headerLength + segmentSize - 1) / segmentSize;
  }
  bool hasPartialChecksum() const { return (flags & needsChecksum) != 0; }
};
static_assert(sizeof(OffloadHeader) == 10);

/** What the kernel leaves to us, and takes from us, in one read or write. */
struct TunOffloads {
  /** Every packet is preceded by a virtio-net header, and checksums may be partial. */
  bool header = false;
  bool tcp = false;
  bool udp = false;

  /** Whether the kernel takes a packet with this header. */
  bool take(const OffloadHeader& offload) const {
    const std::uint8_t kind = offload.gsoKind();
    return header && (kind == OffloadHeader::gsoNone || (kind == OffloadHeader::gsoUdp ? udp : tcp));
  }
};

}  // namespace flannel::tunnel
