#include "icmp.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "byte_order.h"
#include "checksum.h"

namespace flannel::tunnel {
namespace {

constexpr std::size_t icmpHeaderLength = 8;
/** What flannel's udp backend has always sent about unknown destinations. */
constexpr std::uint8_t noRouteTtl = 8;
constexpr std::uint8_t defaultTtl = 64;
/** Internetwork control, which RFC 1812, section 4.3.2.5 wants for ICMP errors. */
constexpr std::uint8_t errorTos = 0xc0;
/** RFC 1812, section 4.3.2.3: an IPv4 message quotes what fits 576 bytes. */
constexpr std::size_t ipv4MessageLimit = 576;
/** RFC 4443, section 2.4 (c): an IPv6 message quotes what fits the minimum MTU. */
constexpr std::size_t ipv6MessageLimit = 1280;

struct TypeAndCode {
  std::uint8_t type;
  std::uint8_t code;
};

TypeAndCode typeOf(IcmpError error, Family family) {
  const bool v4 = family == Family::ipv4;
  switch (error) {
    case IcmpError::noRoute:
      return v4 ? TypeAndCode{3, 0} : TypeAndCode{1, 0};
    case IcmpError::hopsExceeded:
      return v4 ? TypeAndCode{11, 0} : TypeAndCode{3, 0};
    case IcmpError::tooBig:
      return v4 ? TypeAndCode{3, 4} : TypeAndCode{2, 0};
  }
  return {};
}

/** Neither unspecified, loopback, multicast nor broadcast. */
bool isOneHost(const Address& address) {
  if (address.family == Family::ipv6) {
    return address.bits != Bits{0, 0} && address.bits != Bits{0, 1} && address.bits.high >> 56 != 0xff;
  }
  const auto first = static_cast<std::uint8_t>(address.bits.high >> 56);
  return first != 0 && first != 127 && first < 224;
}

/** Whether an ICMPv4 type is a question or an answer, not an error (RFC 792, RFC 1256). */
bool isIcmpv4Error(std::uint8_t type) {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/** Where the upper-layer header of an IPv6 packet starts, and which it is; follows extension headers. */
struct UpperLayer {
  std::uint8_t protocol;
  std::size_t offset;
  bool laterFragment;
};

UpperLayer findUpperLayer(std::span<const std::uint8_t> packet) {
  UpperLayer upper{packet[6], ipv6HeaderLength, false};
  while (upper.offset + 8 <= packet.size()) {
    const std::uint8_t* at = packet.data() + upper.offset;
    switch (upper.protocol) {
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
        upper.offset += (std::size_t{at[1]} + 1) * 8;
        break;
      case IPPROTO_FRAGMENT:
        upper.laterFragment = load16(at + 2) >> 3 != 0;
        upper.offset += 8;
        break;
      default:
        return upper;
    }
    upper.protocol = at[0];
  }
  return upper;
}

bool mayReport(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header) {
  if (!isOneHost(header.source)) return false;
  if (header.source.family == Family::ipv4) {
    if (header.laterFragment || !isOneHost(header.destination)) return false;
    if (header.protocol != IPPROTO_ICMP) return true;
    // Upstream reports no ICMP packet at all as unroutable; the other errors must also answer echo requests, for traceroute.
    return error != IcmpError::noRoute && packet.size() > header.length && !isIcmpv4Error(packet[header.length]);
  }
  // Packet too big is the one message that a packet to a group may cause.
  if (error != IcmpError::tooBig && !isOneHost(header.destination)) return false;
  const UpperLayer upper = findUpperLayer(packet);
  if (upper.laterFragment) return false;
  const bool informational = upper.offset < packet.size() && (packet[upper.offset] & 0x80) != 0;
  return upper.protocol != IPPROTO_ICMPV6 || informational;
}

void writeIpv4Header(std::uint8_t* at, const Address& source, const Address& destination, std::size_t size,
                     std::uint8_t ttl) {
  std::memset(at, 0, ipv4HeaderLength);
  at[0] = 0x45;
  at[1] = errorTos;
  store16(at + 2, static_cast<std::uint16_t>(size));
  at[8] = ttl;
  at[9] = IPPROTO_ICMP;
  store32(at + 12, static_cast<std::uint32_t>(source.bits.high >> 32));
  store32(at + 16, static_cast<std::uint32_t>(destination.bits.high >> 32));
  storeChecksum(at + 10, sumOf({at, ipv4HeaderLength}));
}

void writeIpv6Header(std::uint8_t* at, const Address& source, const Address& destination, std::size_t size) {
  std::memset(at, 0, 8);
  at[0] = 0x60;
  store16(at + 4, static_cast<std::uint16_t>(size - ipv6HeaderLength));
  at[6] = IPPROTO_ICMPV6;
  at[7] = defaultTtl;
  store64(at + 8, source.bits.high);
  store64(at + 16, source.bits.low);
  store64(at + 24, destination.bits.high);
  store64(at + 32, destination.bits.low);
}

std::size_t quotedLength(IcmpError error, const IpHeader& header) {
  if (header.source.family == Family::ipv6) return ipv6MessageLimit - ipv6HeaderLength - icmpHeaderLength;
  // Upstream quotes what RFC 792 asks for: the header and 8 bytes.
  if (error == IcmpError::noRoute) return header.length + 8;
  return ipv4MessageLimit - ipv4HeaderLength - icmpHeaderLength;
}

}  // namespace

IcmpMessage makeIcmpError(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header,
                          const Address& source, std::uint32_t mtu) {
  IcmpMessage message;
  if (!mayReport(error, packet, header)) return message;

  const Family family = header.source.family;
  const bool v4 = family == Family::ipv4;
  const std::size_t headerLength = v4 ? ipv4HeaderLength : ipv6HeaderLength;
  const auto quoted = packet.first(std::min(packet.size(), quotedLength(error, header)));
  message.size_ = headerLength + icmpHeaderLength + quoted.size();

  std::uint8_t* ip = message.storage_.data();
  std::uint8_t* icmp = ip + headerLength;
  const auto [type, code] = typeOf(error, family);
  std::memset(icmp, 0, icmpHeaderLength);
  icmp[0] = type;
  icmp[1] = code;
  if (v4) {
    store16(icmp + 6, static_cast<std::uint16_t>(mtu));
  } else {
    store32(icmp + 4, mtu);
  }
  std::memcpy(icmp + icmpHeaderLength, quoted.data(), quoted.size());

  const std::span<const std::uint8_t> covered{icmp, icmpHeaderLength + quoted.size()};
  Sum sum = sumOf(covered);
  if (v4) {
    writeIpv4Header(ip, source, header.source, message.size_, error == IcmpError::noRoute ? noRouteTtl : defaultTtl);
  } else {
    writeIpv6Header(ip, source, header.source, message.size_);
    sum += pseudoHeaderSum(source, header.source, IPPROTO_ICMPV6, static_cast<std::uint32_t>(covered.size()));
  }
  storeChecksum(icmp + 2, sum);
  return message;
}

}  // namespace flannel::tunnel
