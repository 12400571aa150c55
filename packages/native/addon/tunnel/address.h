#pragma once

#include <cstdint>

namespace flannel::tunnel {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

/** 128 bits; an IPv4 address occupies the 32 highest, so that one masking rule serves both families. */
struct Bits {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  bool operator==(const Bits&) const = default;

  /** The first `length` bits; the others are zero. */
  constexpr Bits first(unsigned length) const {
    if (length == 0) return {};
    if (length <= 64) return {high & (~std::uint64_t{0} << (64 - length)), 0};
    return {high, low & (~std::uint64_t{0} << (128 - length))};
  }
};

struct Address {
  Family family = Family::ipv4;
  Bits bits;

  bool operator==(const Address&) const = default;
};

struct Prefix {
  Address network;
  std::uint8_t length = 0;

  bool operator==(const Prefix&) const = default;

  constexpr bool contains(const Address& address) const {
    return address.family == network.family && address.bits.first(length) == network.bits;
  }
};

}  // namespace flannel::tunnel
