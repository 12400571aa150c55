#pragma once

#include <cstddef>
#include <cstdint>

namespace flannel::tunnel {

// Offsets in a TCP header (RFC 9293, section 3.1).
namespace tcp {
inline constexpr std::size_t headerLength = 20;
inline constexpr std::size_t sequenceAt = 4;
inline constexpr std::size_t acknowledgementAt = 8;
inline constexpr std::size_t dataOffsetAt = 12;
inline constexpr std::size_t flagsAt = 13;
inline constexpr std::size_t windowAt = 14;
inline constexpr std::size_t checksumAt = 16;
inline constexpr std::size_t urgentAt = 18;
inline constexpr std::uint8_t fin = 0x01;
inline constexpr std::uint8_t psh = 0x08;
inline constexpr std::uint8_t ack = 0x10;
inline constexpr std::uint8_t cwr = 0x80;

/** With options: 20 to 60 bytes, or less in a header that is not valid. */
inline std::size_t headerLengthOf(const std::uint8_t* header) { return (header[dataOffsetAt] >> 4) * std::size_t{4}; }
}  // namespace tcp

// Offsets in a UDP header (RFC 768).
namespace udp {
inline constexpr std::size_t headerLength = 8;
inline constexpr std::size_t lengthAt = 4;
inline constexpr std::size_t checksumAt = 6;
}  // namespace udp

}  // namespace flannel::tunnel
