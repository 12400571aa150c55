#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "address.h"
#include "ip_header.h"

namespace flannel::tunnel {

/** Why a packet is reported to its sender. The ICMP types follow from the packet's family. */
enum class IcmpError : std::uint8_t {
  /** No peer has the destination: net unreachable (RFC 792) or no route to destination (RFC 4443). */
  noRoute,
  /** Time to live or hop limit ran out on the way: time exceeded in transit. */
  hopsExceeded,
  /** It does not fit the path and must not be fragmented: fragmentation needed (RFC 1191) or packet too big. */
  tooBig,
};

/** An ICMP message with its IP header. */
class IcmpMessage {
 public:
  std::span<const std::uint8_t> bytes() const { return {storage_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  friend IcmpMessage makeIcmpError(IcmpError, std::span<const std::uint8_t>, const IpHeader&, const Address&,
                                   std::uint32_t);
  std::array<std::uint8_t, 1280> storage_;
  std::size_t size_ = 0;
};

/**
 * The message about `packet`, from `source` to its sender. Empty when there must be none: about ICMP errors,
 * fragments that are not the first, and packets to or from addresses that are not one host's (RFC 1122, section 3.2.2;
 * RFC 4443, section 2.4 (e)). `mtu` in bytes belongs to {@link IcmpError.tooBig}.
 */
IcmpMessage makeIcmpError(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header,
                          const Address& source, std::uint32_t mtu = 0);

}  // namespace flannel::tunnel
