#include <cstring>
#include <random>

#include "check.h"
#include "packet_builder.h"

namespace flannel::tunnel {
namespace {

/** RFC 1071 word by word. */
std::uint16_t reference(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    sum += bytes[at] << 8 | (at + 1 < bytes.size() ? bytes[at + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t stored(Sum sum) {
  std::uint8_t bytes[2];
  storeChecksum(bytes, sum);
  return load16(bytes);
}

void sumsAnyLengthAndAlignment(std::mt19937& random) {
  for (int round = 0; round < 3000; round++) {
    Bytes bytes(random() % (round % 10 == 0 ? 70'000 : 300));
    for (auto& byte : bytes) byte = round % 7 == 0 ? 0xff : static_cast<std::uint8_t>(random());
    const std::size_t skipped = bytes.empty() ? 0 : random() % std::min<std::size_t>(bytes.size(), 8);
    const Bytes rest(bytes.begin() + static_cast<std::ptrdiff_t>(skipped), bytes.end());
    CHECK(stored(sumOf(std::span(bytes).subspan(skipped))) == reference(rest));
  }
}

void addsUp(std::mt19937& random) {
  Bytes bytes(1001);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  const std::span<const std::uint8_t> all(bytes);
  CHECK(stored(sumOf(all.first(400)) + sumOf(all.subspan(400))) == reference(bytes));
  CHECK(stored(sumOf(std::uint16_t{0x1234})) == static_cast<std::uint16_t>(~0x1234));
}

void updatesInPlace(std::mt19937& random) {
  for (int round = 0; round < 3000; round++) {
    Bytes bytes(20);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    store16(&bytes[10], 0);
    store16(&bytes[10], reference(bytes));
    const std::uint16_t before = load16(&bytes[8]);
    store16(&bytes[8], static_cast<std::uint16_t>(random()));
    updateChecksum(&bytes[10], before, load16(&bytes[8]));
    CHECK(fold(sumOf(bytes)) == 0xffff);
  }
}

}  // namespace

void checksumTests() {
  std::mt19937 random(1);
  sumsAnyLengthAndAlignment(random);
  addsUp(random);
  updatesInPlace(random);
}

}  // namespace flannel::tunnel
