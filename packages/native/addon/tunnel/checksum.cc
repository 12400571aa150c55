#include "checksum.h"

#include <cstring>

#include "byte_order.h"

namespace flannel::tunnel {
namespace {

/** Sums 32-bit words into a wide accumulator: no carries between lanes, so that compilers vectorise the loop. */
inline __attribute__((always_inline)) Sum sumWords(const std::uint8_t* at, std::size_t words) {
  Sum sum = 0;
  for (std::size_t index = 0; index < words; index++) {
    std::uint32_t word;
    std::memcpy(&word, at + index * sizeof word, sizeof word);
    sum += word;
  }
  return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) Sum sumWordsAvx2(const std::uint8_t* at, std::size_t words) {
  return sumWords(at, words);
}

const bool hasAvx2 = __builtin_cpu_supports("avx2");
#endif

Sum sumWordsFast(const std::uint8_t* at, std::size_t words) {
#if defined(__x86_64__)
  if (hasAvx2 && words >= 32) return sumWordsAvx2(at, words);
#endif
  return sumWords(at, words);
}

}  // namespace

Sum sumOf(std::span<const std::uint8_t> bytes) {
  const std::size_t words = bytes.size() / 4;
  Sum sum = sumWordsFast(bytes.data(), words);
  std::uint32_t rest = 0;
  if (bytes.size() % 4 != 0) std::memcpy(&rest, bytes.data() + words * 4, bytes.size() % 4);
  return sum + rest;
}

Sum sumOf(std::uint16_t value) { return htobe16(value); }

Sum pseudoHeaderSum(const Address& source, const Address& destination, std::uint8_t protocol,
                    std::uint32_t length) {
  // Without the header in memory: this is asked about every packet.
  const auto sumOfWords = [](std::uint64_t bits) { return (bits >> 32) + (bits & 0xffffffff); };
  const auto sumOfAddress = [&](const Bits& bits) {
    return sumOfWords(htobe64(bits.high)) + sumOfWords(htobe64(bits.low));
  };
  // The fields of the IPv4 pseudo header are narrower, but zeros do not change a sum.
  return sumOfAddress(source.bits) + sumOfAddress(destination.bits) + htobe32(length) + htobe32(protocol);
}

std::uint16_t fold(Sum sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(sum);
}

void storeChecksum(std::uint8_t* at, Sum sum) {
  const auto checksum = static_cast<std::uint16_t>(~fold(sum));
  std::memcpy(at, &checksum, sizeof checksum);
}

void storePartialChecksum(std::uint8_t* at, Sum sum) {
  const std::uint16_t partial = fold(sum);
  std::memcpy(at, &partial, sizeof partial);
}

void updateChecksum(std::uint8_t* at, std::uint16_t before, std::uint16_t after) {
  const auto inverse = [](std::uint16_t value) { return static_cast<std::uint16_t>(~value); };
  store16(at, inverse(fold(Sum{inverse(load16(at))} + inverse(before) + after)));
}

}  // namespace flannel::tunnel
