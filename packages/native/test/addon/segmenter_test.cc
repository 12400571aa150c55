#include "check.h"
#include "packet_builder.h"
#include "tunnel/segmenter.h"

namespace flannel::tunnel {
namespace {

/** A packet with a partial checksum, as the kernel hands it over. */
Bytes partial(PacketSpec spec) {
  spec.partial = true;
  return buildPacket(spec);
}

OffloadHeader offloadOf(const PacketSpec& spec, std::uint16_t segmentSize) {
  const bool v4 = spec.family == Family::ipv4;
  return {
      .flags = OffloadHeader::needsChecksum,
      .gsoType = !spec.tcp ? OffloadHeader::gsoUdp : v4 ? OffloadHeader::gsoTcp4 : OffloadHeader::gsoTcp6,
      .segmentSize = segmentSize,
      .checksumStart = v4 ? ipv4HeaderLength : ipv6HeaderLength,
      .checksumOffset = static_cast<std::uint16_t>(spec.tcp ? tcp::checksumAt : udp::checksumAt),
  };
}

std::vector<Bytes> cut(const PacketSpec& spec, std::uint16_t segmentSize) {
  const Bytes whole = partial(spec);
  auto segmenter = Segmenter::create(offloadOf(spec, segmentSize), whole, parseIpHeader(whole).value());
  CHECK(segmenter);
  std::vector<Bytes> packets;
  while (!segmenter->done()) {
    Bytes packet(segmenter->headerLength());
    const auto payload = segmenter->next(packet.data());
    packet.insert(packet.end(), payload.begin(), payload.end());
    packets.push_back(packet);
  }
  return packets;
}

/** What a sender without offloads would have sent. */
std::vector<Bytes> expected(const PacketSpec& whole, std::size_t segmentSize) {
  std::vector<Bytes> packets;
  const Bytes all = buildPacket(whole);
  const std::size_t headers = all.size() - whole.payload;
  for (std::size_t offset = 0; offset < whole.payload; offset += segmentSize) {
    PacketSpec spec = whole;
    spec.payload = std::min(segmentSize, whole.payload - offset);
    const bool last = offset + spec.payload == whole.payload;
    spec.identification = static_cast<std::uint16_t>(whole.identification + offset / segmentSize);
    if (whole.tcp) spec.sequence += static_cast<std::uint32_t>(offset);
    if (!last) spec.flags &= static_cast<std::uint8_t>(~(tcp::fin | tcp::psh));
    if (offset > 0) spec.flags &= static_cast<std::uint8_t>(~tcp::cwr);
    Bytes packet = buildPacket(spec);
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(headers + offset);
    std::copy(from, from + static_cast<std::ptrdiff_t>(spec.payload), packet.begin() + static_cast<std::ptrdiff_t>(headers));
    finishPacket(packet, spec);
    packets.push_back(packet);
  }
  return packets;
}

void cutsAsASenderWould() {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const bool tcp : {true, false}) {
      for (const std::size_t payload : {1, 99, 100, 101, 3000, 60'001}) {
        const PacketSpec spec{
            .family = family,
            .tcp = tcp,
            .payload = payload,
            .tos = 3,
            .dontFragment = false,
            .identification = 65'535,
            .sequence = 0xffffff00,
            .flags = tcp::ack | tcp::psh | tcp::fin | tcp::cwr | 0x40,
            .options = tcp ? std::size_t{12} : 0,
        };
        CHECK(cut(spec, 100) == expected(spec, 100));
      }
    }
  }
}

void refusesContradictions() {
  const PacketSpec spec{.payload = 300};
  const Bytes packet = partial(spec);
  const auto ip = parseIpHeader(packet).value();
  const auto refused = [&](auto change) {
    OffloadHeader offload = offloadOf(spec, 100);
    change(offload);
    return !Segmenter::create(offload, packet, ip);
  };
  CHECK(!refused([](OffloadHeader&) {}));
  CHECK(refused([](OffloadHeader& offload) { offload.segmentSize = 0; }));
  CHECK(refused([](OffloadHeader& offload) { offload.flags = 0; }));
  CHECK(refused([](OffloadHeader& offload) { offload.gsoType = 3; }));
  CHECK(refused([](OffloadHeader& offload) { offload.checksumStart = 19; }));
  CHECK(refused([](OffloadHeader& offload) { offload.checksumStart = 325; }));
  CHECK(refused([](OffloadHeader& offload) { offload.checksumStart = 65'535; }));
}

void completesChecksums() {
  for (const bool tcp : {true, false}) {
    const PacketSpec spec{.tcp = tcp};
    Bytes packet = partial(spec);
    CHECK(completeChecksum(offloadOf(spec, 0), packet));
    CHECK(packet == buildPacket(spec));
    OffloadHeader outside = offloadOf(spec, 0);
    outside.checksumStart = 139;
    CHECK(!completeChecksum(outside, packet));
  }
}

}  // namespace

void segmenterTests() {
  cutsAsASenderWould();
  refusesContradictions();
  completesChecksums();
}

}  // namespace flannel::tunnel
