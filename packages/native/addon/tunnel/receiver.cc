#include "receiver.h"

#include <sys/uio.h>

#include <cerrno>

#include "system_error.h"

namespace flannel::tunnel {
namespace {

/** Messages per burst with offloads, at the most; without, each packet has system calls of its own. */
constexpr std::size_t messagesPerBurst = 128;

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
  for (const Coalescer::Item& item : coalescer_.finish()) write(item);
  coalescer_.clear();
  return true;
}

void Receiver::deliverMessage(std::size_t index) {
  const Arrival arrival = buffer_.arrival(index);
  const bool fromUnderlay = underlay_.includes(arrival.interface);
  buffer_.forEachDatagram(index, arrival, [&](std::span<std::uint8_t> packet) {
    if (!fromUnderlay) return drops_.add(Drop::wrongInterface);
    deliver(packet, buffer_.sender(index));
  });
}

void Receiver::deliver(std::span<std::uint8_t> datagram, const Endpoint& sender) {
  const auto [refused, packet, header, route] =
      admit(datagram, sender, context_.accept, context_.routes, context_.local);
  if (refused) {
    drops_.add(*refused);
    if (refused == Drop::hopsExceeded) reportHopsExceeded(packet, header, sender);
    return;
  }
  decrementHops(packet.data(), header.source.family);
  coalescer_.add(packet, header, route);
}

void Receiver::reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header,
                                  const Endpoint& sender) {
  const IcmpMessage message = icmp_.make(IcmpError::hopsExceeded, packet, header);
  if (!message.empty()) context_.socket.send(message.bytes(), {}, sender);
}

void Receiver::write(const Coalescer::Item& item) {
  std::span<const iovec> parts = item.parts;
  if (!context_.tun.offloads().header) parts = parts.subspan(1);
  if (::writev(context_.tun.fd(), parts.data(), static_cast<int>(parts.size())) < 0) {
    return drops_.add(Drop::deviceRefused, item.packets);
  }
  traffic_.add(item.packets, item.bytes);
  if (item.route) item.route->traffic->received.add(item.packets, item.bytes);
}

}  // namespace flannel::tunnel
