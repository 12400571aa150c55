#include <functional>
#include <map>
#include <string>

#include "check.h"
#include "packet_builder.h"
#include "recut.h"

namespace flannel::tunnel {
namespace {

/** The packets of each item after coalescing, checked to be cut into the same packets again. */
std::vector<std::size_t> coalesce(const std::vector<Bytes>& packets, TunOffloads accepted = {true, true, true}) {
  Coalescer coalescer(accepted);
  std::vector<Bytes> buffers = packets;
  for (Bytes& buffer : buffers) coalescer.add(buffer, parseIpHeader(buffer).value(), nullptr);
  std::vector<std::size_t> counts;
  std::vector<Bytes> again;
  for (const auto& item : coalescer.finish()) {
    counts.push_back(item.packets);
    for (const Bytes& packet : recut(item)) again.push_back(packet);
  }
  coalescer.clear();
  CHECK(again == packets);
  return counts;
}

using Counts = std::vector<std::size_t>;

/** Two TCP segments in a row; `change` alters the second one, which is finished afterwards. */
Counts withSecond(const std::function<void(PacketSpec&)>& change, const std::function<void(Bytes&)>& damage = {}) {
  PacketSpec spec{.identification = 1};
  const Bytes first = buildPacket(spec);
  spec.sequence = 100;
  spec.identification = 2;
  change(spec);
  Bytes second = buildPacket(spec);
  if (damage) damage(second);
  return coalesce({first, second});
}

void mergesWhatBelongsTogether() {
  const Counts merged{2}, separate{1, 1};
  CHECK(withSecond([](PacketSpec&) {}) == merged);
  CHECK(withSecond([](PacketSpec& spec) { spec.payload = 40; }) == merged);
  CHECK(withSecond([](PacketSpec& spec) { spec.flags |= tcp::psh; }) == merged);

  CHECK(withSecond([](PacketSpec& spec) { spec.payload = 101; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.payload = 0; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.sequence = 101; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.acknowledgement++; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.window++; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.options = 12; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.tos = 2; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.ttl--; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.dontFragment = false; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.source++; }) == separate);
  CHECK(withSecond([](PacketSpec& spec) { spec.sourcePort++; }) == separate);
  for (const int flag : {0x01, 0x02, 0x04, 0x20, 0x40, 0x80}) {
    CHECK(withSecond([&](PacketSpec& spec) { spec.flags |= static_cast<std::uint8_t>(flag); }) == separate);
  }
  CHECK(withSecond([](PacketSpec&) {}, [](Bytes& packet) { packet.back() ^= 1; }) == separate);
  CHECK(withSecond([](PacketSpec&) {}, [](Bytes& packet) { packet[10] ^= 1; }) == separate);
}

/** A run of equal segments of one flow. */
std::vector<Bytes> run(PacketSpec spec, std::size_t count) {
  std::vector<Bytes> packets;
  for (; count > 0; count--) {
    packets.push_back(buildPacket(spec));
    spec.sequence += static_cast<std::uint32_t>(spec.payload);
    spec.identification++;
  }
  return packets;
}

void mergesEveryKind() {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const bool tcp : {true, false}) {
      for (const std::size_t payload : {1, 64, 1399, 1432}) {
        const PacketSpec spec{.family = family, .tcp = tcp, .payload = payload, .dontFragment = false,
                              .identification = 65'530};
        const Counts counts = coalesce(run(spec, 40));
        CHECK(counts == (Counts{40}));
      }
    }
  }
  CHECK(coalesce(run({.options = 12}, 5)) == Counts{5});
}

/** A packet with four bytes of IP options. */
Bytes withIpOptions(const PacketSpec& spec, std::uint8_t option) {
  Bytes packet = buildPacket(spec);
  packet.insert(packet.begin() + ipv4HeaderLength, {option, 4, 0, 0});
  packet[0] = 0x46;
  store16(&packet[2], static_cast<std::uint16_t>(packet.size()));
  store16(&packet[10], 0);
  storeChecksum(&packet[10], sumOf({packet.data(), ipv4HeaderLength + 4}));
  return packet;
}

void keepsToLimits() {
  CHECK(coalesce({withIpOptions({}, 148), withIpOptions({.sequence = 100}, 7)}) == (Counts{1, 1}));
  CHECK(coalesce(run({.payload = 1}, 130)) == (Counts{64, 64, 2}));
  CHECK(coalesce(run({.payload = 8900}, 10)) == (Counts{7, 3}));
  CHECK(coalesce(run({}, 3), {.header = true, .tcp = false, .udp = true}) == (Counts{1, 1, 1}));
  CHECK(coalesce(run({.tcp = false}, 3), {.header = true, .tcp = true, .udp = false}) == (Counts{1, 1, 1}));
  CHECK(coalesce(run({.tcp = false, .checksum = false}, 3)) == (Counts{1, 1, 1}));
  // Identifications that are not consecutive cannot be cut again.
  std::vector<Bytes> packets = run({.dontFragment = false, .identification = 5}, 1);
  packets.push_back(buildPacket({.dontFragment = false, .identification = 7, .sequence = 100}));
  CHECK(coalesce(packets) == (Counts{1, 1}));
}

void keepsOrderWithinAFlow() {
  const auto data = run({.identification = 1}, 4);
  const Bytes acknowledgement = buildPacket({.payload = 0, .sequence = 200});
  // Behind a packet that does not merge begins a new super-packet.
  CHECK(coalesce({data[0], data[1], acknowledgement, data[2], data[3]}) == (Counts{2, 1, 2}));
  // PSH ends one.
  PacketSpec pushed{.identification = 2, .sequence = 100, .flags = tcp::ack | tcp::psh};
  CHECK(coalesce({data[0], buildPacket(pushed), data[2], data[3]}) == (Counts{2, 2}));
  // A fragment may belong to any flow between its hosts.
  Bytes fragment = buildPacket({.tcp = false});
  store16(&fragment[6], 0x2000);
  store16(&fragment[10], 0);
  storeChecksum(&fragment[10], sumOf({fragment.data(), ipv4HeaderLength}));
  CHECK(coalesce({data[0], data[1], fragment, data[2], data[3]}) == (Counts{2, 1, 2}));
}

void mergesFlowsThatAlternate() {
  const auto first = run({.identification = 1}, 3), second = run({.sourcePort = 1001, .identification = 1}, 3);
  Coalescer coalescer({true, true, true});
  std::vector<Bytes> buffers;
  for (std::size_t index = 0; index < 3; index++) {
    buffers.push_back(first[index]);
    buffers.push_back(second[index]);
  }
  for (Bytes& buffer : buffers) coalescer.add(buffer, parseIpHeader(buffer).value(), nullptr);
  const auto items = coalescer.finish();
  CHECK(items.size() == 2 && recut(items[0]) == first && recut(items[1]) == second);
}

/** Packets of many flows in turns, twice: the items of each flow, checked to be the same packets in the same order. */
Counts coalesceFlows(std::size_t flows, std::size_t rounds) {
  std::vector<std::vector<Bytes>> packets;
  for (std::size_t flow = 0; flow < flows; flow++) {
    packets.push_back(run({.payload = 10, .source = static_cast<std::uint8_t>(flow >> 12),
                           .sourcePort = static_cast<std::uint16_t>(flow & 0xfff)}, rounds));
  }
  Coalescer coalescer({true, true, true});
  std::vector<std::vector<Bytes>> buffers(packets);
  for (std::size_t round = 0; round < rounds; round++) {
    for (auto& flow : buffers) coalescer.add(flow[round], parseIpHeader(flow[round]).value(), nullptr);
  }
  Counts counts;
  std::map<std::pair<std::uint8_t, std::uint16_t>, std::vector<Bytes>> again;
  for (const auto& item : coalescer.finish()) {
    counts.push_back(item.packets);
    for (const Bytes& packet : recut(item)) again[{packet[15], load16(&packet[20])}].push_back(packet);
  }
  CHECK(again.size() == flows);
  for (const auto& flow : packets) CHECK((again[{flow[0][15], load16(&flow[0][20])}]) == flow);
  return counts;
}

void mergesManyFlows() {
  CHECK(coalesceFlows(200, 5) == Counts(200, 5));
  // More than can be open at once: those that are forgotten are not merged, and stay in order.
  coalesceFlows(20'000, 2);
}

void looksAtFewFlows() {
  FlowTable table;
  FlowHash hash;
  const auto hashOf = [&](std::uint32_t flow) { return hash.ofFlow(hash.ofHosts({}, {}), flow, IPPROTO_TCP); };
  std::size_t compared = 0;
  const auto find = [&](std::uint32_t flow) {
    return table.find(hashOf(flow), [&](std::uint32_t item) { return compared++, item == flow; });
  };
  constexpr std::uint32_t flows = 8192;
  std::size_t found = 0;
  for (std::uint32_t flow = 0; flow < flows; flow++) {
    CHECK(!find(flow));
    table.add(hashOf(flow), flow);
    CHECK(find(flow));
  }
  CHECK(compared < 2 * flows);
  for (std::uint32_t flow = 0; flow < flows; flow++) found += find(flow) != nullptr;
  CHECK(found > flows / 4 && compared < 3 * flows);
  // Flows that all compete for one place cost no more.
  compared = 0;
  for (std::uint32_t flow = flows; flow < 2 * flows; flow++) {
    table.add(1, flow);
    CHECK(!table.find(1, [&](std::uint32_t) { return compared++, false; }));
  }
  CHECK(compared <= 8 * flows);
  table.remove(*table.find(1, [](std::uint32_t item) { return item == 2 * flows - 1; }));
  CHECK(!table.find(1, [](std::uint32_t item) { return item == 2 * flows - 1; }));
  table.clear();
  CHECK(!find(flows - 1));
}

}  // namespace

void coalescerTests() {
  mergesWhatBelongsTogether();
  mergesEveryKind();
  keepsToLimits();
  keepsOrderWithinAFlow();
  mergesFlowsThatAlternate();
  mergesManyFlows();
  looksAtFewFlows();
}

}  // namespace flannel::tunnel
