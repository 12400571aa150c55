#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace flannel::tunnel {

/** The fuzzer's bytes, taken from the front. Past the end there are zeros. */
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }

  std::uint8_t byte() {
    const auto taken = bytes(1);
    return taken.empty() ? 0 : taken[0];
  }

  std::uint16_t word() {
    const std::uint8_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }

  std::span<const std::uint8_t> bytes(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace flannel::tunnel
