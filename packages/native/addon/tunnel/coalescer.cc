#include "coalescer.h"

#include <utility>

#include "byte_order.h"
#include "checksum.h"
#include "transport.h"

namespace flannel::tunnel {
namespace {

constexpr std::size_t largestPacket = 65535;

bool sameHosts(const IpHeader& a, const IpHeader& b) {
  return a.source == b.source && a.destination == b.destination;
}

/** A shorter packet and PSH end a super-packet. */
bool endsItem(const TransportHeader& first, const TransportHeader& next) {
  return next.push || next.payload < first.payload;
}

std::uint16_t identificationOf(std::span<const std::uint8_t> packet) { return load16(&packet[4]); }

}  // namespace

void Coalescer::add(std::span<std::uint8_t> packet, const IpHeader& ip, const Route* route,
                    const OffloadHeader& offload) {
  TransportHeader transport = parseTransportHeader(packet, ip);
  if (!accepts(transport.kind) || offload.hasPartialChecksum()) transport.mergeable = false;
  const std::uint64_t hosts = hash_.ofHosts(ip.source, ip.destination);
  if (transport.kind == TransportHeader::Kind::other) {
    // A packet without ports may be part of any flow between its hosts: what follows belongs behind it.
    append(packet, ip, transport, route, offload);
    barriers_[hosts % barriers_.size()] = size_;
    hasBarriers_ = true;
    return;
  }
  const std::uint64_t flow = hash_.ofFlow(hosts, transport.ports, ip.protocol);
  FlowTable::Entry* entry = open_.find(flow, [&](std::uint32_t index) {
    const Item& item = items_[index];
    return item.transport.ports == transport.ports && item.transport.kind == transport.kind && sameHosts(item.ip, ip);
  });
  if (entry) {
    Item& item = items_[entry->item];
    const bool merged = !isBehind(hosts, entry->item) && canMerge(item, packet, ip, transport);
    if (merged) merge(item, packet, transport);
    // Otherwise what follows belongs behind this packet.
    if (!merged || endsItem(item.transport, transport) || item.packets == maximumPackets) open_.remove(*entry);
    if (merged) return;
  }
  if (append(packet, ip, transport, route, offload)) open_.add(flow, static_cast<std::uint32_t>(size_ - 1));
}

bool Coalescer::isBehind(std::uint64_t hosts, std::uint32_t item) const {
  return hasBarriers_ && item < barriers_[hosts % barriers_.size()];
}

bool Coalescer::accepts(TransportHeader::Kind kind) const {
  return kind == TransportHeader::Kind::tcp ? accepted_.tcp : accepted_.udp;
}

bool Coalescer::append(std::span<std::uint8_t> packet, const IpHeader& ip, const TransportHeader& transport,
                       const Route* route, const OffloadHeader& offload) {
  if (size_ == items_.size()) items_.emplace_back();
  Item& item = items_[size_];
  item.parts.assign({iovec{}, iovec{packet.data(), packet.size()}});
  item.packets = static_cast<std::uint32_t>(offload.packetsIn(packet.size()));
  item.bytes = static_cast<std::uint32_t>(packet.size() + (item.packets - 1) * offload.headerLength);
  item.route = route;
  item.offload = offload;
  item.first = packet;
  item.ip = ip;
  item.transport = transport;
  item.nextSequence = transport.sequence + static_cast<std::uint32_t>(transport.payload);
  item.nextIdentification = static_cast<std::uint16_t>(identificationOf(packet) + 1);
  item.verified = false;
  size_++;
  return transport.mergeable && !transport.push;
}

bool Coalescer::canMerge(Item& item, std::span<const std::uint8_t> packet, const IpHeader& ip,
                         const TransportHeader& transport) {
  if (!transport.mergeable || transport.headerLength != item.transport.headerLength) return false;
  if (transport.payload > item.transport.payload || item.mergedLength() + transport.payload > largestPacket) return false;
  if (transport.kind == TransportHeader::Kind::tcp && transport.sequence != item.nextSequence) return false;
  // The identification of a packet that must not be fragmented has no meaning (RFC 6864, section 4.1).
  if (!ip.dontFragment && identificationOf(packet) != item.nextIdentification) return false;
  if (!headersMatch(item.first, packet, ip, transport)) return false;
  if (!item.verified && !checksumsValid(item.first, item.ip)) return false;
  item.verified = true;
  return checksumsValid(packet, ip);
}

void Coalescer::merge(Item& item, std::span<std::uint8_t> packet, const TransportHeader& transport) {
  item.parts.push_back({packet.data() + transport.headerLength, transport.payload});
  item.packets++;
  item.bytes += static_cast<std::uint32_t>(packet.size());
  item.nextSequence += static_cast<std::uint32_t>(transport.payload);
  item.nextIdentification++;
  if (transport.push) item.first[item.ip.length + tcp::flagsAt] |= tcp::psh;
}

std::span<const Coalescer::Item> Coalescer::finish() {
  const std::span<Item> items{items_.data(), size_};
  for (Item& item : items) {
    if (item.packets > 1 && item.offload.gsoKind() == OffloadHeader::gsoNone) item.complete();
    item.parts[0] = {&item.offload, sizeof item.offload};
  }
  return items;
}

void Coalescer::clear() {
  size_ = 0;
  open_.clear();
  if (std::exchange(hasBarriers_, false)) barriers_.fill(0);
}

std::size_t Coalescer::Item::mergedLength() const { return bytes - (packets - 1) * transport.headerLength; }

void Coalescer::Item::complete() {
  const bool v4 = ip.source.family == Family::ipv4;
  const bool tcp = transport.kind == TransportHeader::Kind::tcp;
  const auto length = static_cast<std::uint16_t>(mergedLength());
  const auto transportLength = static_cast<std::uint16_t>(length - ip.length);
  const std::uint16_t checksumOffset = tcp ? tcp::checksumAt : udp::checksumAt;
  std::uint8_t* header = first.data();
  if (v4) {
    store16(header + 2, length);
    store16(header + 10, 0);
    storeChecksum(header + 10, sumOf({header, ip.length}));
  } else {
    store16(header + 4, transportLength);
  }
  if (!tcp) store16(header + ip.length + udp::lengthAt, transportLength);
  storePartialChecksum(header + ip.length + checksumOffset,
                       pseudoHeaderSum(ip.source, ip.destination, ip.protocol, transportLength));
  offload = {
      .flags = OffloadHeader::needsChecksum,
      .gsoType = !tcp ? OffloadHeader::gsoUdp : v4 ? OffloadHeader::gsoTcp4 : OffloadHeader::gsoTcp6,
      .headerLength = static_cast<std::uint16_t>(transport.headerLength),
      .segmentSize = static_cast<std::uint16_t>(transport.payload),
      .checksumStart = ip.length,
      .checksumOffset = checksumOffset,
  };
}

}  // namespace flannel::tunnel
