#include "transmitter.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "segmenter.h"
#include "system_error.h"

namespace flannel::tunnel {
namespace {

constexpr std::size_t largestRead = sizeof(OffloadHeader) + 65535;
/** Packets per burst with offloads; without, each packet has system calls of its own. */
constexpr std::size_t packetsPerBurst = 64;
/** Bytes per burst: a few super-packets, which stay in the processor's cache between reading and sending. */
constexpr std::size_t bytesPerBurst = 4 * largestRead;
/** RFC 8200, section 5: links must carry this much, if need be by fragments below IPv6. */
constexpr std::uint32_t ipv6MinimumMtu = 1280;
/** RFC 791, section 3.2. */
constexpr std::uint32_t ipv4MinimumMtu = 68;
/** Short, so that a path that became wider again is soon noticed; the kernel remembers what it learned for minutes. */
constexpr auto pathMtuLifetime = std::chrono::seconds(1);

}  // namespace

Transmitter::Transmitter(Context& context, std::size_t lane)
    : context_(context),
      lane_(lane),
      buffer_(bytesPerBurst),
      burst_(context.tun.offloads().header ? packetsPerBurst : 1),
      sending_(context.socket, context.stop, *this, burst_, lane_),
      icmp_(context.local) {
  reads_.reserve(burst_);
}

bool Transmitter::forwardBurst() {
  const Epochs::Guard guard(context_.epochs, lane_);
  std::span<std::uint8_t> free = buffer_;
  std::size_t size = 1;
  for (std::size_t packets = 0; packets < burst_ && free.size() >= largestRead && size > 0; packets++) {
    size = forwardNext(free);
    free = free.subspan(size);
  }
  sending_.flush();
  reads_.clear();
  return size > 0;
}

std::size_t Transmitter::forwardNext(std::span<std::uint8_t> buffer) {
  const ssize_t result = ::read(fd(), buffer.data(), largestRead);
  if (result < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    throwErrno("read from the TUN device");
  }
  const auto size = static_cast<std::size_t>(result);
  OffloadHeader offload;
  const std::size_t prefix = context_.tun.prefixLength();
  std::memcpy(&offload, buffer.data(), prefix);
  reads_.push_back({buffer.subspan(prefix, size - prefix), false});
  forward(offload, buffer.subspan(prefix, size - prefix));
  return size;
}

void Transmitter::forward(const OffloadHeader& offload, std::span<std::uint8_t> packet) {
  const auto header = parseIpHeader(packet);
  if (!header) return drops_.add(Drop::malformed);
  packet = packet.first(header->totalLength);
  const Route* route = context_.routes.find(header->destination);
  if (!route) return refuse(Drop::noRoute, IcmpError::noRoute, packet, *header);
  if (header->hops <= 1) return refuse(Drop::hopsExceeded, IcmpError::hopsExceeded, packet, *header);
  decrementHops(packet.data(), header->source.family);
  queue(offload, packet, *header, *route);
}

void Transmitter::queue(const OffloadHeader& offload, std::span<std::uint8_t> packet, const IpHeader& header,
                        const Route& route) {
  const std::uint8_t trafficClass = outerClassOf(packet, header, route);
  if (offload.gsoKind() == OffloadHeader::gsoNone) {
    if (!completeChecksum(offload, packet)) return drops_.add(Drop::malformed);
    return sending_.add(route, {packet, {}}, trafficClass);
  }
  auto segmenter = Segmenter::create(offload, packet, header);
  if (!segmenter) return drops_.add(Drop::malformed);
  while (!segmenter->done()) {
    const auto segmentHeader = sending_.reserveHeader(segmenter->headerLength());
    const auto payload = segmenter->next(segmentHeader.data());
    sending_.add(route, {segmentHeader, payload}, trafficClass);
  }
}

std::uint8_t Transmitter::outerClassOf(std::span<const std::uint8_t> packet, const IpHeader& header,
                                       const Route& route) const {
  if (context_.outerClass == OuterClass::zero) return 0;
  const std::uint8_t inner = trafficClassOf(packet.data(), header.source.family);
  return route.ecn ? inner : inner & static_cast<std::uint8_t>(~ecnMask);
}

void Transmitter::onSent(const Route& route, std::uint32_t packets, std::uint32_t bytes) {
  traffic_.add(packets, bytes);
  route.state(lane_).sent.add(packets, bytes);
}

void Transmitter::onRefused(const Route& route, const Segment& packet, int errorNumber) {
  if (errorNumber == EMSGSIZE) return onTooBig(route, packet);
  drops_.add(Drop::sendFailed);
}

/** Cuts what may be cut, as RFC 2003, section 5.1 has it, and tells the sender of everything else. */
void Transmitter::onTooBig(const Route& route, const Segment& segment) {
  std::vector<std::uint8_t> packet(segment.header.begin(), segment.header.end());
  packet.insert(packet.end(), segment.payload.begin(), segment.payload.end());
  const auto header = parseIpHeader(packet);
  if (!header) return drops_.add(Drop::malformed);

  if (header->dontFragment) {
    const std::uint32_t minimum = header->source.family == Family::ipv4 ? ipv4MinimumMtu : ipv6MinimumMtu;
    const std::uint32_t mtu = std::max(minimum, pathMtu(route, packet.size()));
    if (packet.size() > mtu) {
      drops_.add(Drop::tooBig);
      if (isFirstReport(segment)) report(IcmpError::tooBig, packet, *header, mtu);
      return;
    }
  }
  if (context_.socket.sendFragmentable(packet, route.peer, outerClassOf(packet, *header, route)) != 0) return drops_.add(Drop::sendFailed);
  onSent(route, 1, static_cast<std::uint32_t>(packet.size()));
}

std::uint32_t Transmitter::pathMtu(const Route& route, std::size_t refused) {
  PeerPath& path = route.state(lane_).path;
  const auto now = PeerPath::Clock::now();
  // What was refused although it should fit shows that the path became narrower.
  if (now >= path.mtuUntil || refused <= path.mtu) {
    const std::uint32_t outer = context_.socket.pathMtu(route.peer);
    const std::uint32_t overhead = context_.socket.overhead();
    path.mtu = outer > overhead ? outer - overhead : 0;
    path.mtuUntil = now + pathMtuLifetime;
  }
  return path.mtu;
}

bool Transmitter::isFirstReport(const Segment& segment) {
  // The payload of a segment lies in the super-packet that it was cut from.
  const std::uint8_t* at = segment.payload.empty() ? segment.header.data() : segment.payload.data();
  for (Read& read : reads_) {
    if (at < read.packet.data() || at >= read.packet.data() + read.packet.size()) continue;
    return !std::exchange(read.reported, true);
  }
  return true;
}

void Transmitter::refuse(Drop reason, IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header) {
  drops_.add(reason);
  report(error, packet, header);
}

void Transmitter::report(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header,
                         std::uint32_t mtu) {
  const IcmpMessage message = icmp_.make(error, packet, header, mtu);
  if (!message.empty()) toSender_.send(message.bytes(), header.source);
}

}  // namespace flannel::tunnel
