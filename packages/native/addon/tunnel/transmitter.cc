#include "transmitter.h"

#include <unistd.h>

#include "system_error.h"

namespace flannel::tunnel {
namespace {

constexpr int burst = 64;
constexpr std::size_t largestPacket = 65535;

}  // namespace

Transmitter::Transmitter(Context& context) : context_(context), buffer_(largestPacket) {}

void Transmitter::run() {
  while (context_.stop.waitFor(context_.tun.fd(), POLLIN)) {
    const Epochs::Guard guard(context_.epochs, Reader::transmit);
    for (int packets = 0; packets < burst && readPacket(); packets++) {
    }
  }
}

bool Transmitter::readPacket() {
  const ssize_t size = ::read(context_.tun.fd(), buffer_.data(), buffer_.size());
  if (size >= 0) {
    forward({buffer_.data(), static_cast<std::size_t>(size)});
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) return false;
  throwErrno("read from the TUN device");
}

void Transmitter::forward(std::span<std::uint8_t> packet) {
  const auto header = parseIpHeader(packet);
  if (!header) return drops_.add(Drop::malformed);
  packet = packet.first(header->totalLength);
  if (header->hops <= 1) return refuse(Drop::hopsExceeded, IcmpError::hopsExceeded, packet, *header);
  const Route* route = context_.routes.find(header->destination);
  if (!route) return refuse(Drop::noRoute, IcmpError::noRoute, packet, *header);
  decrementHops(packet.data(), header->source.family);
  send(packet, *route);
}

void Transmitter::send(std::span<const std::uint8_t> packet, const Route& route) {
  ssize_t sent;
  do {
    sent = ::sendto(context_.socket.fd(), packet.data(), packet.size(), 0, route.peer.data(), route.peer.size());
  } while (sent < 0 && errno == EAGAIN && context_.stop.waitFor(context_.socket.fd(), POLLOUT));
  if (sent < 0) return drops_.add(Drop::sendFailed);
  traffic_.add(1, packet.size());
  route.traffic->sent.add(1, packet.size());
}

void Transmitter::refuse(Drop reason, IcmpError error, std::span<const std::uint8_t> packet,
                         const IpHeader& header) {
  drops_.add(reason);
  const Address* source = context_.local.addressOf(header.source.family);
  if (!source || !icmpLimit_.allow()) return;
  const IcmpMessage message = makeIcmpError(error, packet, header, *source);
  if (!message.empty()) (void)!::write(context_.tun.fd(), message.bytes().data(), message.bytes().size());
}

}  // namespace flannel::tunnel
