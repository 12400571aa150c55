// Fuzzes what happens to packets from the TUN device: any offload header before any packet, as a container with a packet
// socket may produce them. Invariant: segments carry the whole payload, in order, with right lengths and checksums.
#include <array>

#include "../test/addon/check.h"
#include "../test/addon/packet_builder.h"
#include "input.h"
#include "tunnel/mergeable.h"
#include "tunnel/segmenter.h"

namespace flannel::tunnel {
namespace {

OffloadHeader readOffload(Input& input) {
  OffloadHeader offload;
  offload.flags = input.byte();
  offload.gsoType = input.byte();
  offload.segmentSize = input.word();
  offload.checksumStart = input.word();
  offload.checksumOffset = input.word();
  return offload;
}

void checkSegments(const OffloadHeader& offload, const Bytes& packet, const IpHeader& ip) {
  auto segmenter = Segmenter::create(offload, packet, ip);
  if (!segmenter) return;
  std::array<std::uint8_t, Segmenter::maximumHeaderLength> header;
  const std::size_t headerLength = segmenter->headerLength();
  std::size_t carried = 0;
  while (!segmenter->done()) {
    const auto payload = segmenter->next(header.data());
    CHECK(!payload.empty() && payload.data() == packet.data() + headerLength + carried);
    carried += payload.size();
    Bytes segment(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(headerLength));
    segment.insert(segment.end(), payload.begin(), payload.end());
    const auto segmentIp = parseIpHeader(segment);
    CHECK(segmentIp && segmentIp->totalLength == segment.size());
  }
  CHECK(carried == packet.size() - headerLength);
}

void run(Input input) {
  const OffloadHeader offload = readOffload(input);
  const auto bytes = input.bytes(70'000);
  Bytes packet(bytes.begin(), bytes.end());
  const auto ip = parseIpHeader(packet);
  if (!ip) return;
  packet.resize(ip->totalLength);
  checkSegments(offload, packet, *ip);
  completeChecksum(offload, packet);
}

}  // namespace
}  // namespace flannel::tunnel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flannel::tunnel::run({data, size});
  return 0;
}
