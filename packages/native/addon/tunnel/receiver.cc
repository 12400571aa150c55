#include "receiver.h"

#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "segmenter.h"
#include "system_error.h"
#include "unfinished.h"

namespace flannel::tunnel {
namespace {

/** Messages per burst with offloads, at the most; without, each packet has system calls of its own. */
constexpr std::size_t messagesPerBurst = 128;

/** Whether a message that the kernel reports a segment size of is one packet of that many bytes of payload each, not datagrams. */
bool isSuperPacket(std::span<const std::uint8_t> message, std::size_t segmentSize) {
  if (message.size() <= segmentSize) return false;
  const auto header = parseIpHeader(message);
  return header && header->totalLength == message.size();
}

}  // namespace

Receiver::Receiver(Context& context)
    : context_(context),
      underlay_(context.underlay, context.socket.fd()),
      buffer_(context.tun.offloads().header ? messagesPerBurst : 1),
      coalescer_(context.tun.offloads()),
      icmp_(context.local) {}

bool Receiver::deliverBurst() {
  const Epochs::Guard guard(context_.epochs, Reader::receive);
  const int messages = buffer_.receive(context_.socket.fd());
  if (messages < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    throwErrno("receive from the UDP socket");
  }
  for (int index = 0; index < messages; index++) deliverMessage(index);
  // At the end of every burst: a packet is never held back to wait for others.
  flush();
  return true;
}

void Receiver::deliverMessage(std::size_t index) {
  const Arrival arrival = buffer_.arrival(index);
  const bool fromUnderlay = underlay_.includes(arrival.interface);
  if (fromUnderlay && isSuperPacket(buffer_.message(index), arrival.segmentSize)) {
    return deliver(buffer_.message(index), buffer_.sender(index), arrival.ecn, arrival.segmentSize);
  }
  buffer_.forEachDatagram(index, arrival, [&](std::span<std::uint8_t> packet) {
    if (!fromUnderlay) return drops_.add(Drop::wrongInterface);
    deliver(packet, buffer_.sender(index), arrival.ecn);
  });
}

void Receiver::deliver(std::span<std::uint8_t> datagram, const Endpoint& sender, Ecn outer,
                       std::size_t segmentSize) {
  const auto [refused, packet, header, route] =
      admit(datagram, sender, context_.accept, context_.routes, context_.local);
  if (refused) {
    drops_.add(*refused);
    if (refused == Drop::hopsExceeded) reportHopsExceeded(packet, header, sender);
    return;
  }
  if (!combineEcn(packet.data(), header.source.family, outer)) return drops_.add(Drop::congestion);
  decrementHops(packet.data(), header.source.family);
  if (segmentSize > 0 || hasPartialChecksum(packet, header)) return complete(packet, header, route, segmentSize);
  coalescer_.add(packet, header, route);
}

void Receiver::complete(std::span<std::uint8_t> packet, const IpHeader& header, const Route* route,
                        std::size_t segmentSize) {
  const auto offload = completionOf(packet, header, context_.tun.mtu(), segmentSize);
  if (!offload) return drops_.add(Drop::unfinished);
  if (context_.tun.offloads().take(*offload)) return coalescer_.add(packet, header, route, *offload);
  if (offload->gsoKind() != OffloadHeader::gsoNone) return writeInPieces(packet, header, route, *offload);
  completeChecksum(*offload, packet);
  coalescer_.add(packet, header, route);
}

void Receiver::writeInPieces(std::span<std::uint8_t> packet, const IpHeader& header, const Route* route,
                             const OffloadHeader& offload) {
  auto segmenter = Segmenter::create(offload, packet, header);
  if (!segmenter) return drops_.add(Drop::unfinished);
  flush();
  OffloadHeader none;
  std::array<std::uint8_t, Segmenter::maximumHeaderLength> headers;
  while (!segmenter->done()) {
    const auto payload = segmenter->next(headers.data());
    const iovec parts[] = {{&none, sizeof none},
                           {headers.data(), segmenter->headerLength()},
                           {const_cast<std::uint8_t*>(payload.data()), payload.size()}};
    write(parts, route, 1, static_cast<std::uint32_t>(segmenter->headerLength() + payload.size()));
  }
}

void Receiver::reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header,
                                  const Endpoint& sender) {
  const IcmpMessage message = icmp_.make(IcmpError::hopsExceeded, packet, header);
  if (!message.empty()) context_.socket.send(message.bytes(), {}, sender);
}

void Receiver::flush() {
  for (const Coalescer::Item& item : coalescer_.finish()) write(item.parts, item.route, item.packets, item.bytes);
  coalescer_.clear();
}

void Receiver::write(std::span<const iovec> parts, const Route* route, std::uint32_t packets, std::uint32_t bytes) {
  if (!context_.tun.offloads().header) parts = parts.subspan(1);
  if (::writev(context_.tun.fd(), parts.data(), static_cast<int>(parts.size())) < 0) {
    return drops_.add(Drop::deviceRefused, packets);
  }
  traffic_.add(packets, bytes);
  if (route) route->state->received.add(packets, bytes);
}

}  // namespace flannel::tunnel
