#include "traffic_class.h"

#include "byte_order.h"
#include "checksum.h"

namespace flannel::tunnel {
namespace {

void setEcn(std::uint8_t* packet, Family family, Ecn ecn) {
  // In an IPv6 header the traffic class begins in the middle of the first byte.
  const unsigned shift = family == Family::ipv4 ? 0 : 4;
  const std::uint16_t before = load16(packet);
  const auto after = static_cast<std::uint16_t>((before & ~(ecnMask << shift)) | static_cast<unsigned>(ecn) << shift);
  store16(packet, after);
  if (family == Family::ipv4) updateChecksum(packet + 10, before, after);
}

}  // namespace

std::uint8_t trafficClassOf(const std::uint8_t* packet, Family family) {
  return family == Family::ipv4 ? packet[1] : static_cast<std::uint8_t>(load16(packet) >> 4);
}

bool combineEcn(std::uint8_t* packet, Family family, Ecn outer) {
  if (outer == Ecn::notEct) return true;
  const Ecn inner = ecnOf(trafficClassOf(packet, family));
  if (inner == Ecn::notEct) return outer != Ecn::ce;
  if (outer == Ecn::ce || (outer == Ecn::ect1 && inner == Ecn::ect0)) setEcn(packet, family, outer);
  return true;
}

}  // namespace flannel::tunnel
