#pragma once

#include <cstddef>

namespace flannel::tunnel {

/** What one thread writes often is kept apart by this many bytes from what another one reads or writes. */
inline constexpr std::size_t cacheLine = 64;

}  // namespace flannel::tunnel
