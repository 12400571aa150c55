#include "writer.h"

#include <sys/uio.h>

#include <array>

#include "segmenter.h"
#include "unfinished.h"

namespace flannel::tunnel {

Writer::Writer(Context& context, std::size_t lane)
    : context_(context), lane_(lane), coalescer_(context.tun.offloads()) {}

void Writer::add(const Delivery& delivery) {
  const auto& [packet, header, route, segmentSize] = delivery;
  if (segmentSize > 0 || hasPartialChecksum(packet, header)) return complete(delivery);
  coalescer_.add(packet, header, route);
}

void Writer::complete(const Delivery& delivery) {
  const auto& [packet, header, route, segmentSize] = delivery;
  const auto offload = completionOf(packet, header, context_.tun.mtu(), segmentSize);
  if (!offload) return drops_.add(Drop::unfinished);
  if (context_.tun.offloads().take(*offload)) return coalescer_.add(packet, header, route, *offload);
  if (offload->gsoKind() != OffloadHeader::gsoNone) return writeInPieces(delivery, *offload);
  completeChecksum(*offload, packet);
  coalescer_.add(packet, header, route);
}

void Writer::writeInPieces(const Delivery& delivery, const OffloadHeader& offload) {
  auto segmenter = Segmenter::create(offload, delivery.packet, delivery.header);
  if (!segmenter) return drops_.add(Drop::unfinished);
  flush();
  OffloadHeader none;
  std::array<std::uint8_t, Segmenter::maximumHeaderLength> headers;
  while (!segmenter->done()) {
    const auto payload = segmenter->next(headers.data());
    const iovec parts[] = {{&none, sizeof none},
                           {headers.data(), segmenter->headerLength()},
                           {const_cast<std::uint8_t*>(payload.data()), payload.size()}};
    write(parts, delivery.route, 1, static_cast<std::uint32_t>(segmenter->headerLength() + payload.size()));
  }
}

void Writer::flush() {
  for (const Coalescer::Item& item : coalescer_.finish()) write(item.parts, item.route, item.packets, item.bytes);
  coalescer_.clear();
}

void Writer::write(std::span<const iovec> parts, const Route* route, std::uint32_t packets, std::uint32_t bytes) {
  if (!context_.tun.offloads().header) parts = parts.subspan(1);
  if (::writev(context_.tun.fd(lane_), parts.data(), static_cast<int>(parts.size())) < 0) {
    return drops_.add(Drop::deviceRefused, packets);
  }
  traffic_.add(packets, bytes);
  if (route) route->state(lane_).received.add(packets, bytes);
}

}  // namespace flannel::tunnel
