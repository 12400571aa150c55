#pragma once

#include <endian.h>

#include <cstdint>
#include <cstring>

namespace flannel::tunnel {

// Fields of network headers are big-endian and not aligned: they go through memcpy, which compiles to one move.

inline std::uint16_t load16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return be16toh(value);
}

inline std::uint32_t load32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return be32toh(value);
}

inline std::uint64_t load64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return be64toh(value);
}

inline void store16(std::uint8_t* at, std::uint16_t value) {
  value = htobe16(value);
  std::memcpy(at, &value, sizeof value);
}

inline void store32(std::uint8_t* at, std::uint32_t value) {
  value = htobe32(value);
  std::memcpy(at, &value, sizeof value);
}

inline void store64(std::uint8_t* at, std::uint64_t value) {
  value = htobe64(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace flannel::tunnel
