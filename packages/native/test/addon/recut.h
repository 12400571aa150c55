#pragma once

#include <cstring>
#include <vector>

#include "packet_builder.h"
#include "tunnel/coalescer.h"
#include "tunnel/segmenter.h"

namespace flannel::tunnel {

/** What the kernel makes of a written item: the packets that it was merged from. Empty when it contradicts itself. */
inline std::vector<Bytes> recut(const Coalescer::Item& item) {
  OffloadHeader offload;
  std::memcpy(&offload, item.parts[0].iov_base, sizeof offload);
  Bytes whole;
  for (std::size_t part = 1; part < item.parts.size(); part++) {
    const auto* at = static_cast<const std::uint8_t*>(item.parts[part].iov_base);
    whole.insert(whole.end(), at, at + item.parts[part].iov_len);
  }
  if (offload.gsoKind() == OffloadHeader::gsoNone) {
    if (!completeChecksum(offload, whole)) return {};
    return {whole};
  }

  const auto header = parseIpHeader(whole);
  if (!header || header->totalLength != whole.size()) return {};
  auto segmenter = Segmenter::create(offload, whole, *header);
  if (!segmenter) return {};
  std::vector<Bytes> packets;
  while (!segmenter->done()) {
    Bytes packet(segmenter->headerLength());
    const auto payload = segmenter->next(packet.data());
    packet.insert(packet.end(), payload.begin(), payload.end());
    packets.push_back(packet);
  }
  return packets;
}

}  // namespace flannel::tunnel
