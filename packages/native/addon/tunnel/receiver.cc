#include "receiver.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "system_error.h"

namespace flannel::tunnel {
namespace {

/** Messages per burst with offloads, at the most; without, each packet has system calls of its own. */
constexpr std::size_t messagesPerBurst = 128;
/** Waking another thread costs as much as writing so many packets. */
constexpr std::uint64_t fewPackets = 64;
constexpr std::uint64_t fewBytes = 65536;

/** Whether a message that the kernel reports a segment size of is one packet of that many bytes of payload each, not datagrams. */
bool isSuperPacket(std::span<const std::uint8_t> message, std::size_t segmentSize) {
  if (message.size() <= segmentSize) return false;
  const auto header = parseIpHeader(message);
  return header && header->totalLength == message.size();
}

}  // namespace

Receiver::Receiver(Context& context, std::deque<Lane>& lanes)
    : context_(context), lanes_(lanes), underlay_(context.underlay, context.socket.fd()), icmp_(context.local) {
  const std::size_t messages = context.tun.offloads().header ? messagesPerBurst : 1;
  // The only lane is written by the receiver itself.
  const std::size_t count = lanes.size() > 1 ? batches : 1;
  for (std::size_t index = 0; index < count; index++) {
    batches_.emplace_back(context.epochs, context.lanes + index, lanes.size(), messages);
  }
}

bool Receiver::deliverBurst() {
  Batch& batch = batches_[next_];
  batch.waitUntilFree();
  batch.begin();
  const std::uint64_t packets = taken_.packets.get();
  const std::uint64_t bytes = taken_.bytes.get();
  const int messages = batch.buffer().receive(context_.socket.fd());
  if (messages < 0) {
    batch.end();
    if (errno == EAGAIN || errno == EINTR) return false;
    throwErrno("receive from the UDP socket");
  }
  for (int index = 0; index < messages; index++) takeMessage(batch, index);
  deliver(batch, taken_.packets.get() - packets <= fewPackets && taken_.bytes.get() - bytes <= fewBytes);
  return true;
}

void Receiver::takeMessage(Batch& batch, std::size_t index) {
  ReceiveBuffer& buffer = batch.buffer();
  const Arrival arrival = buffer.arrival(index);
  const bool fromUnderlay = underlay_.includes(arrival.interface);
  if (fromUnderlay && isSuperPacket(buffer.message(index), arrival.segmentSize)) {
    return take(batch, buffer.message(index), buffer.sender(index), arrival.ecn, arrival.segmentSize);
  }
  buffer.forEachDatagram(index, arrival, [&](std::span<std::uint8_t> packet) {
    if (!fromUnderlay) return drops_.add(Drop::wrongInterface);
    take(batch, packet, buffer.sender(index), arrival.ecn);
  });
}

void Receiver::take(Batch& batch, std::span<std::uint8_t> datagram, const Endpoint& sender, Ecn outer,
                    std::size_t segmentSize) {
  const auto [refused, packet, header, route] =
      admit(datagram, sender, context_.accept, context_.routes, context_.local);
  if (refused) {
    drops_.add(*refused);
    // A peer's fast path sends from ports that no socket listens to.
    if (refused == Drop::hopsExceeded) reportHopsExceeded(packet, header, route ? route->peer : sender);
    return;
  }
  if (!combineEcn(packet.data(), header.source.family, outer)) return drops_.add(Drop::congestion);
  decrementHops(packet.data(), header.source.family);
  batch.add(laneOf(packet, header), {packet, header, route, segmentSize});
  taken_.add(1, packet.size());
}

std::size_t Receiver::laneOf(std::span<const std::uint8_t> packet, const IpHeader& header) const {
  if (lanes_.size() == 1) return 0;
  std::uint32_t ports = 0;
  const bool hasPorts = header.protocol == IPPROTO_TCP || header.protocol == IPPROTO_UDP;
  // Only the first fragment of a packet has ports, and all must take the same lane.
  if (hasPorts && !header.fragment && packet.size() >= header.length + sizeof ports) {
    std::memcpy(&ports, packet.data() + header.length, sizeof ports);
  }
  const std::uint64_t hosts = flowHash_.ofHosts(header.source, header.destination);
  return flowHash_.ofFlow(hosts, ports, header.protocol) % lanes_.size();
}

void Receiver::reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header, const Endpoint& to) {
  const IcmpMessage message = icmp_.make(IcmpError::hopsExceeded, packet, header);
  if (!message.empty()) context_.socket.send(message.bytes(), {}, to);
}

void Receiver::deliver(Batch& batch, bool few) {
  if (lanes_.size() == 1 || (few && lanesRest())) {
    for (Lane& lane : lanes_) lane.write(batch);
    return batch.end();
  }
  next_ = (next_ + 1) % batches_.size();
  // The receiver counts as one, so that the batch stays while it is given away.
  unsigned working = 1;
  for (std::size_t lane = 0; lane < lanes_.size(); lane++) working += !batch.deliveries(lane).empty();
  batch.share(working);
  for (std::size_t lane = 0; lane < lanes_.size(); lane++) {
    if (!batch.deliveries(lane).empty()) lanes_[lane].give(batch);
  }
  batch.end();
}

bool Receiver::lanesRest() const {
  return std::ranges::all_of(batches_, [this](const Batch& batch) { return &batch == &batches_[next_] || batch.free(); });
}

}  // namespace flannel::tunnel
