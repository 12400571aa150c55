#include "check.h"
#include "packet_builder.h"
#include "tunnel/icmp.h"
#include "tunnel/icmp_reporter.h"
#include "tunnel/rate_limit.h"

namespace flannel::tunnel {
namespace {

IcmpMessage about(const Bytes& packet, IcmpError error = IcmpError::hopsExceeded, std::uint32_t mtu = 0) {
  const auto header = parseIpHeader(packet).value();
  return makeIcmpError(error, packet, header, localAddress(header.source.family), mtu);
}

/** An ICMP packet whose first payload byte is `type`. */
Bytes icmpPacket(Family family, std::uint8_t type) {
  Bytes packet = buildPacket({.family = family, .tcp = false});
  const std::size_t transport = family == Family::ipv4 ? ipv4HeaderLength : ipv6HeaderLength;
  packet[family == Family::ipv4 ? 9 : 6] = static_cast<std::uint8_t>(family == Family::ipv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
  packet[transport] = type;
  return packet;
}

Bytes fragment(std::uint16_t fragmentation) {
  Bytes packet = buildPacket({.tcp = false});
  store16(&packet[6], fragmentation);
  return packet;
}

void saysWhatAndHowMuch() {
  const Bytes large = buildPacket({.tcp = false, .payload = 1400});
  const auto noRoute = about(large, IcmpError::noRoute);
  CHECK(noRoute.bytes().size() == 20 + 8 + 28 && noRoute.bytes()[8] == 8);
  const auto tooBig = about(large, IcmpError::tooBig, 1272);
  CHECK(tooBig.bytes().size() == 576 && tooBig.bytes()[20] == 3 && tooBig.bytes()[21] == 4);
  CHECK(load16(&tooBig.bytes()[26]) == 1272);
  CHECK(fold(sumOf(tooBig.bytes().first(20))) == 0xffff && fold(sumOf(tooBig.bytes().subspan(20))) == 0xffff);

  const auto tooBig6 = about(buildPacket({.family = Family::ipv6, .payload = 1400}), IcmpError::tooBig, 1352);
  CHECK(tooBig6.bytes().size() == 1280 && tooBig6.bytes()[40] == 2 && load32(&tooBig6.bytes()[44]) == 1352);
  CHECK(fold(pseudoHeaderSum(localAddress(Family::ipv6), remoteAddress(Family::ipv6, 9), IPPROTO_ICMPV6, 1240) +
             sumOf(tooBig6.bytes().subspan(40))) == 0xffff);
}

void staysSilentWhereItMust() {
  const auto silent = [](const Bytes& packet, IcmpError error = IcmpError::hopsExceeded) { return about(packet, error).empty(); };
  CHECK(!silent(icmpPacket(Family::ipv4, 8)) && !silent(icmpPacket(Family::ipv6, 128)));
  CHECK(silent(icmpPacket(Family::ipv4, 3)) && silent(icmpPacket(Family::ipv4, 11)) && silent(icmpPacket(Family::ipv6, 1)));
  CHECK(silent(icmpPacket(Family::ipv4, 8), IcmpError::noRoute));
  CHECK(!silent(fragment(0x2000)) && silent(fragment(0x2001)) && silent(fragment(0x00b9)));

  Bytes fromNobody = buildPacket({}), toGroup = buildPacket({}), toGroup6 = buildPacket({.family = Family::ipv6});
  store32(&fromNobody[12], 0);
  store32(&toGroup[16], 0xe0000001);
  toGroup6[24] = 0xff;
  CHECK(silent(fromNobody) && silent(toGroup) && silent(toGroup6));
  CHECK(!silent(toGroup6, IcmpError::tooBig));
}

void findsIcmpBehindExtensionHeaders() {
  Bytes packet = icmpPacket(Family::ipv6, 1);
  const Bytes options{IPPROTO_ICMPV6, 0, 1, 4, 0, 0, 0, 0};
  packet[6] = IPPROTO_DSTOPTS;
  packet.insert(packet.begin() + ipv6HeaderLength, options.begin(), options.end());
  CHECK(about(packet).empty());
  // An extension header that claims to be longer than the packet.
  packet[ipv6HeaderLength + 1] = 255;
  about(packet);
}

void limitsTheRate() {
  RateLimit limit(10, 3);
  const auto start = RateLimit::Clock::now();
  for (int count = 0; count < 3; count++) {
    CHECK(limit.allows(start));
    limit.take();
  }
  CHECK(!limit.allows(start) && !limit.allows(start + std::chrono::milliseconds(50)));
  CHECK(limit.allows(start + std::chrono::milliseconds(160)));
}

void limitsWhatIsSentAndEachKindForItself() {
  Epochs epochs(1);
  LocalSubnets local(epochs);
  local.assign({{{localAddress(Family::ipv4), 32}, localAddress(Family::ipv4)}});
  IcmpReporter reporter(local);
  const Bytes packet = buildPacket({.tcp = false}), error = icmpPacket(Family::ipv4, 3);
  const auto makes = [&](const Bytes& about, IcmpError kind) {
    return !reporter.make(kind, about, parseIpHeader(about).value(), 1400).empty();
  };
  // A test machine must not take longer than a second for these, in which a thousand become possible again.
  constexpr int flood = 3000;
  int unroutable = 0;
  for (int count = 0; count < flood; count++) CHECK(!makes(error, IcmpError::noRoute));
  CHECK(makes(packet, IcmpError::noRoute));
  for (int count = 0; count < flood; count++) unroutable += makes(packet, IcmpError::noRoute);
  CHECK(unroutable < flood);
  CHECK(makes(packet, IcmpError::tooBig));
}

}  // namespace

void icmpTests() {
  saysWhatAndHowMuch();
  staysSilentWhereItMust();
  findsIcmpBehindExtensionHeaders();
  limitsTheRate();
  limitsWhatIsSentAndEachKindForItself();
}

}  // namespace flannel::tunnel
