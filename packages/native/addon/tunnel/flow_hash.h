#pragma once

#include <cstdint>
#include <random>

#include "address.h"

namespace flannel::tunnel {

/** Hashes flows with numbers that are drawn once, so that no sender can choose flows whose hashes are equal. */
class FlowHash {
 public:
  /** Of two hosts, in this direction. */
  std::uint64_t ofHosts(const Address& source, const Address& destination) const {
    return fold(source.bits.high ^ keys_[0], destination.bits.high ^ keys_[1]) ^
           fold(source.bits.low ^ keys_[2], destination.bits.low ^ keys_[3]);
  }

  /** Of a flow between hosts whose hash is known. */
  std::uint64_t ofFlow(std::uint64_t hosts, std::uint32_t ports, std::uint8_t protocol) const {
    return fold(hosts ^ keys_[0], (std::uint64_t{ports} << 8 | protocol) ^ keys_[1]);
  }

 private:
  /** Multiplies, and adds the halves of the product without carry. */
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  static std::uint64_t draw() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }

  std::uint64_t keys_[4] = {draw(), draw(), draw(), draw()};
};

}  // namespace flannel::tunnel
