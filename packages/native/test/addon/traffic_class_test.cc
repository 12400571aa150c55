#include <optional>

#include "check.h"
#include "packet_builder.h"
#include "tunnel/mergeable.h"
#include "tunnel/traffic_class.h"

namespace flannel::tunnel {
namespace {

using enum Ecn;
constexpr Ecn fields[] = {notEct, ect0, ect1, ce};

/** RFC 6040, figure 4: what leaves, by inner field and by outer field in the order of `fields`. */
constexpr struct {
  Ecn inner;
  std::optional<Ecn> outgoing[4];
} table[] = {
    {notEct, {notEct, notEct, notEct, std::nullopt}},
    {ect0, {ect0, ect0, ect1, ce}},
    {ect1, {ect1, ect1, ect1, ce}},
    {ce, {ce, ce, ce, ce}},
};

Bytes withClass(Family family, unsigned dscp, Ecn ecn) {
  return buildPacket({.family = family, .tos = static_cast<std::uint8_t>(dscp << 2 | static_cast<unsigned>(ecn))});
}

void combinesAsTheTableHasIt() {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const unsigned dscp : {0u, 46u, 63u}) {
      for (const auto& row : table) {
        for (std::size_t column = 0; column < 4; column++) {
          Bytes packet = withClass(family, dscp, row.inner);
          CHECK(ecnOf(trafficClassOf(packet.data(), family)) == row.inner);
          const bool kept = combineEcn(packet.data(), family, fields[column]);
          CHECK(kept == row.outgoing[column].has_value());
          if (!kept) continue;
          const Bytes expected = withClass(family, dscp, *row.outgoing[column]);
          CHECK(trafficClassOf(packet.data(), family) == trafficClassOf(expected.data(), family));
          CHECK(packet == expected);
          CHECK(checksumsValid(packet, parseIpHeader(packet).value()));
        }
      }
    }
  }
}

}  // namespace

void trafficClassTests() { combinesAsTheTableHasIt(); }

}  // namespace flannel::tunnel
