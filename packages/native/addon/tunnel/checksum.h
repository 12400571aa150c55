#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "address.h"

namespace flannel::tunnel {

/**
 * A running Internet checksum (RFC 1071): a ones' complement sum that is not folded yet, in the machine's byte
 * order. The order does not matter until the sum is stored (RFC 1071, section 2 (B)). Every part that is added
 * but the last must have an even number of bytes. Room for 2^32 bytes.
 */
using Sum = std::uint64_t;

/** The sum of `bytes`; an odd last byte is padded with zero. */
Sum sumOf(std::span<const std::uint8_t> bytes);

/** The sum of one 16-bit number as it would stand in a packet. */
Sum sumOf(std::uint16_t value);

/** The pseudo header of TCP, UDP and ICMPv6 (RFC 9293, section 3.1; RFC 8200, section 8.1). */
Sum pseudoHeaderSum(const Address& source, const Address& destination, std::uint8_t protocol,
                    std::uint32_t length);

/** Folded to 16 bits, not complemented: 0xffff over a packet whose checksum is right. */
std::uint16_t fold(Sum sum);

/** Stores the complement of the sum at `at`. */
void storeChecksum(std::uint8_t* at, Sum sum);

/** Stores the folded sum itself: what the kernel completes when it is told that the checksum is partial. */
void storePartialChecksum(std::uint8_t* at, Sum sum);

/** Mends the checksum at `at` after a 16-bit word changed (RFC 1624, equation 3). */
void updateChecksum(std::uint8_t* at, std::uint16_t before, std::uint16_t after);

}  // namespace flannel::tunnel
