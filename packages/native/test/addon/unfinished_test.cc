#include "check.h"
#include "packet_builder.h"
#include "recut.h"
#include "tunnel/mergeable.h"
#include "tunnel/unfinished.h"

namespace flannel::tunnel {
namespace {

constexpr std::size_t mtu = 1472;

std::optional<OffloadHeader> complete(const Bytes& packet, std::size_t segmentSize = 0) {
  return completionOf(packet, parseIpHeader(packet).value(), mtu, segmentSize);
}

/** The packets that a packet is after it was completed and written. */
std::vector<Bytes> deliver(Bytes packet, std::size_t segmentSize = 0) {
  const auto offload = complete(packet, segmentSize);
  CHECK(offload);
  Coalescer coalescer({true, true, true});
  coalescer.add(packet, parseIpHeader(packet).value(), nullptr, *offload);
  const auto items = coalescer.finish();
  CHECK(items.size() == 1);
  const auto packets = recut(items[0]);
  std::size_t bytes = 0;
  for (const Bytes& one : packets) bytes += one.size();
  CHECK(packets.size() == items[0].packets && bytes == items[0].bytes);
  return packets;
}

template <typename Check>
void forEachKind(Check check) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const bool tcp : {true, false}) check(PacketSpec{.family = family, .tcp = tcp, .partial = true});
  }
}

bool isPartial(const Bytes& packet) { return hasPartialChecksum(packet, parseIpHeader(packet).value()); }

void knowsPartialChecksums() {
  forEachKind([](PacketSpec spec) {
    CHECK(isPartial(buildPacket(spec)));
    Bytes truncated = buildPacket(spec);
    truncated.pop_back();
    CHECK(!hasPartialChecksum(truncated, parseIpHeader(buildPacket(spec)).value()));
    spec.partial = false;
    CHECK(!isPartial(buildPacket(spec)) && !complete(buildPacket(spec)));
    spec.checksum = false;
    CHECK(!isPartial(buildPacket(spec)));
  });
  Bytes fragment = buildPacket({.partial = true});
  store16(&fragment[6], 0x2000);
  CHECK(!isPartial(fragment));
}

void completesChecksums() {
  forEachKind([](PacketSpec spec) {
    for (const std::size_t payload : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{1412}}) {
      spec.partial = true;
      spec.payload = payload;
      const Bytes packet = buildPacket(spec);
      spec.partial = false;
      CHECK((deliver(packet) == std::vector<Bytes>{buildPacket(spec)}));
    }
  });
}

void cutsTcpToTheMtu() {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const PacketSpec spec{.family = family, .payload = 60'000, .flags = tcp::ack | tcp::cwr, .options = 12, .partial = true};
    const auto packets = deliver(buildPacket(spec));
    const std::size_t payload = mtu - (family == Family::ipv4 ? 52 : 72);
    CHECK(packets.size() == (60'000 + payload - 1) / payload);
    for (const Bytes& packet : packets) {
      CHECK(packet.size() <= mtu && checksumsValid(packet, parseIpHeader(packet).value()));
    }
  }
}

void cutsUdpWhereItsSenderWould() {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    PacketSpec spec{.family = family, .tcp = false, .payload = 2500, .partial = true};
    const auto packets = deliver(buildPacket(spec), 1200);
    const std::size_t headers = packets[0].size() - 1200;
    CHECK(packets.size() == 3 && packets[1].size() == packets[0].size() && packets[2].size() == headers + 100);
    for (const Bytes& packet : packets) CHECK(checksumsValid(packet, parseIpHeader(packet).value()));
  }
}

void refusesWhatItCannotKnow() {
  // The borders of datagrams are not in the packet.
  CHECK(!complete(buildPacket({.tcp = false, .payload = mtu, .partial = true})));
  // A super-packet always has a partial checksum.
  CHECK(!complete(buildPacket({.tcp = false, .payload = 2500}), 1200));
  // No room for payload, or none there.
  const Bytes packet = buildPacket({.payload = 2000, .partial = true});
  CHECK(!completionOf(packet, parseIpHeader(packet).value(), 40, 0));
  CHECK(!complete(buildPacket({.tcp = false, .payload = 0, .partial = true}), 1200));
}

}  // namespace

void unfinishedTests() {
  knowsPartialChecksums();
  completesChecksums();
  cutsTcpToTheMtu();
  cutsUdpWhereItsSenderWould();
  refusesWhatItCannotKnow();
}

}  // namespace flannel::tunnel
