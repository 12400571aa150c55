#include "receiver.h"

#include <unistd.h>

#include "system_error.h"

namespace flannel::tunnel {
namespace {

constexpr int burst = 64;
constexpr std::size_t largestPacket = 65535;

}  // namespace

Receiver::Receiver(Context& context) : context_(context), buffer_(largestPacket) {}

void Receiver::run() {
  while (context_.stop.waitFor(context_.socket.fd(), POLLIN)) {
    const Epochs::Guard guard(context_.epochs, Reader::receive);
    for (int packets = 0; packets < burst && receiveDatagram(); packets++) {
    }
  }
}

bool Receiver::receiveDatagram() {
  Endpoint sender;
  socklen_t senderSize = Endpoint::capacity;
  const ssize_t size =
      ::recvfrom(context_.socket.fd(), buffer_.data(), buffer_.size(), 0, sender.data(), &senderSize);
  if (size >= 0) {
    deliver({buffer_.data(), static_cast<std::size_t>(size)}, sender);
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) return false;
  throwErrno("receive from the UDP socket");
}

void Receiver::deliver(std::span<std::uint8_t> packet, const Endpoint& sender) {
  const auto header = parseIpHeader(packet);
  if (!header) return drops_.add(Drop::malformed);
  packet = packet.first(header->totalLength);
  const Route* route = context_.routes.find(header->source);
  if (!context_.acceptAny) {
    if (!route) return drops_.add(Drop::unknownSource);
    if (route->peer != sender) return drops_.add(Drop::wrongPeer);
    if (!context_.local.contain(header->destination)) return drops_.add(Drop::notOurs);
  }
  if (header->hops <= 1) return reportHopsExceeded(packet, *header, sender);
  decrementHops(packet.data(), header->source.family);
  if (::write(context_.tun.fd(), packet.data(), packet.size()) < 0) return drops_.add(Drop::deviceRefused);
  traffic_.add(1, packet.size());
  if (route && route->peer == sender) route->traffic->received.add(1, packet.size());
}

void Receiver::reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header,
                                  const Endpoint& sender) {
  drops_.add(Drop::hopsExceeded);
  const Address* source = context_.local.addressOf(header.source.family);
  if (!source || !icmpLimit_.allow()) return;
  const IcmpMessage message = makeIcmpError(IcmpError::hopsExceeded, packet, header, *source);
  if (message.empty()) return;
  ::sendto(context_.socket.fd(), message.bytes().data(), message.bytes().size(), MSG_DONTWAIT, sender.data(),
           sender.size());
}

}  // namespace flannel::tunnel
