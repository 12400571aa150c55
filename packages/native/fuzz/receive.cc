// Fuzzes what happens to datagrams from the network: admission, coalescing, ICMP errors. Invariants: no packet is lost,
// added or changed, and packets of one flow stay in order, after the kernel has cut super-packets again.
#include <array>
#include <map>
#include <tuple>

#include "../test/addon/check.h"
#include "../test/addon/packet_builder.h"
#include "../test/addon/recut.h"
#include "input.h"
#include "tunnel/admission.h"
#include "tunnel/coalescer.h"
#include "tunnel/icmp.h"
#include "tunnel/segmenter.h"
#include "tunnel/traffic_class.h"
#include "tunnel/unfinished.h"

namespace flannel::tunnel {
namespace {

const Endpoint peer(Address{Family::ipv4, {0xc0a84d0c00000000, 0}}, 8285);
/** Smaller than what the inputs can build. */
constexpr std::size_t smallMtu = 576;
const Endpoint stranger(Address{Family::ipv4, {0xc0a84d0d00000000, 0}}, 8285);

/** The tables of a host with one peer, the same for every input. */
struct Tables {
  Tables() {
    const auto subnet = [](const Address& address) {
      const std::uint8_t length = address.family == Family::ipv4 ? 24 : 64;
      return Prefix{{address.family, address.bits.first(length)}, length};
    };
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      const RouteSpec route{subnet(remoteAddress(family, 0)), peer};
      routes.update({&route, 1}, {});
      own.push_back({subnet(localAddress(family)), localAddress(family)});
    }
    local.assign(own);
  }

  Epochs epochs{1};
  RouteTable routes{epochs, 1};
  LocalSubnets local{epochs};
  std::vector<LocalSubnet> own;
};

/** A datagram of arbitrary bytes. */
Bytes readBytes(Input& input) {
  const auto bytes = input.bytes(input.word() % 2000);
  return {bytes.begin(), bytes.end()};
}

/** A packet with right lengths and checksums that may continue the one before; then perhaps one byte is damaged. */
Bytes readPacket(Input& input, PacketSpec& spec) {
  const std::uint8_t what = input.byte();
  const std::size_t size = input.byte();
  spec.payload = what & 1 ? size : size * 6;
  switch (what >> 4) {
    case 0: spec.family = spec.family == Family::ipv4 ? Family::ipv6 : Family::ipv4; break;
    case 1: spec.tcp = !spec.tcp; break;
    case 2: spec.dontFragment = !spec.dontFragment; break;
    case 3: spec.flags = input.byte(); break;
    case 4: spec.sourcePort ^= 1; break;
    case 5: spec.tos = input.byte(); break;
    case 6: spec.ttl = input.byte(); break;
    case 7: spec.options = input.byte() % 11 * 4; break;
    case 8: spec.window = input.word(); break;
    case 9: spec.checksum = !spec.checksum; break;
    case 10: spec.source ^= 1; break;
    case 11: spec.sequence += input.byte(); break;
    case 12: spec.partial = !spec.partial; break;
    default: break;
  }
  Bytes packet = buildPacket(spec);
  spec.sequence += static_cast<std::uint32_t>(spec.payload);
  spec.identification++;
  if (what & 2) packet[input.byte() % packet.size()] ^= input.byte();
  if (what & 4) finishPacket(packet, spec);
  return packet;
}

/**
 * As a receiver sees it: the identification of packets that must not be fragmented has no meaning, and both zeros of
 * ones' complement are the same TCP checksum.
 */
Bytes normalised(Bytes packet) {
  const auto ip = parseIpHeader(packet).value();
  if (ip.source.family == Family::ipv4 && ip.dontFragment) {
    store16(&packet[4], 0);
    store16(&packet[10], 0);
  }
  const bool tcp = parseTransportHeader(packet, ip).kind == TransportHeader::Kind::tcp;
  if (tcp && packet.size() >= ip.length + tcp::headerLength) {
    std::uint8_t* checksum = &packet[ip.length + tcp::checksumAt];
    if (load16(checksum) == 0) store16(checksum, 0xffff);
  }
  return packet;
}

using Flow = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint32_t, int>;

Flow flowOf(const Bytes& packet) {
  const auto ip = parseIpHeader(packet).value();
  const auto transport = parseTransportHeader(packet, ip);
  return {ip.source.bits.high, ip.source.bits.low, ip.destination.bits.high, ip.destination.bits.low, transport.ports, static_cast<int>(transport.kind)};
}

using Flows = std::map<Flow, std::vector<Bytes>>;

void checkIcmp(const Admission& admission, std::uint8_t kind) {
  const Address source = localAddress(admission.header.source.family);
  const auto message = makeIcmpError(static_cast<IcmpError>(kind % 3), admission.packet, admission.header, source, 1400);
  CHECK(message.empty() || parseIpHeader(message.bytes())->totalLength == message.bytes().size());
}

/** Gives a packet to the coalescer, completed as its description has it, and says what must come out. */
void deliver(const Admission& admission, std::size_t segmentSize, Coalescer& coalescer, Flows& expected) {
  const auto& [refused, packet, header, route] = admission;
  Bytes whole(packet.begin(), packet.end());
  OffloadHeader offload;
  if (hasPartialChecksum(packet, header)) {
    const auto completion = completionOf(packet, header, smallMtu, segmentSize);
    if (!completion) return;
    offload = *completion;
  }
  if (offload.gsoKind() != OffloadHeader::gsoNone) {
    // The segmenter has a fuzzer of its own; here it is the description that must fit the packet.
    CHECK(Segmenter::create(offload, packet, header) && offload.packetsIn(packet.size()) > 0);
    return;
  }
  CHECK(completeChecksum(offload, whole));
  expected[flowOf(whole)].push_back(normalised(whole));
  coalescer.add(packet, header, route, offload);
}

/** Kept, as a receiver keeps its own: its tables are large. */
Coalescer& coalescerFor(std::uint8_t mode) {
  static std::array<Coalescer, 4> coalescers{
      Coalescer({true, true, true}), Coalescer({true, false, true}),
      Coalescer({true, true, false}), Coalescer({true, false, false})};
  return coalescers[mode >> 1 & 3];
}

void run(Input input) {
  static const Tables tables;
  const std::uint8_t mode = input.byte();
  const Accept accept = mode & 1 ? Accept::any : Accept::peers;
  Coalescer& coalescer = coalescerFor(mode);
  PacketSpec spec;
  std::vector<Bytes> datagrams;
  Flows expected, actual;
  while (!input.empty() && datagrams.size() < 100) {
    datagrams.push_back(mode & 8 ? readBytes(input) : readPacket(input, spec));
  }
  for (Bytes& datagram : datagrams) {
    const auto admission = admit(datagram, mode & 16 ? stranger : peer, accept, tables.routes, tables.local);
    if (admission.refused == Drop::malformed) continue;
    checkIcmp(admission, mode >> 5);
    if (admission.refused) continue;
    if (!combineEcn(admission.packet.data(), admission.header.source.family, static_cast<Ecn>(mode >> 5 & ecnMask))) continue;
    decrementHops(admission.packet.data(), admission.header.source.family);
    deliver(admission, mode & 8 ? mode : 0, coalescer, expected);
  }
  for (const auto& item : coalescer.finish()) {
    const auto packets = recut(item);
    CHECK(packets.size() == item.packets);
    for (const Bytes& packet : packets) actual[flowOf(packet)].push_back(normalised(packet));
  }
  coalescer.clear();
  CHECK(actual == expected);
}

}  // namespace
}  // namespace flannel::tunnel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flannel::tunnel::run({data, size});
  return 0;
}
