#pragma once

#include <atomic>
#include <cstdint>

namespace flannel::tunnel {

/** A number that one thread at a time counts and others read, without the locked instruction that two writers need. */
class Count {
 public:
  void add(std::uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/** A sum of what several threads have counted. */
struct Amount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

struct Traffic {
  Count packets;
  Count bytes;

  void addTo(Amount& sum) const {
    sum.packets += packets.get();
    sum.bytes += bytes.get();
  }

  void add(std::uint64_t morePackets, std::uint64_t moreBytes) {
    packets.add(morePackets);
    bytes.add(moreBytes);
  }
};

}  // namespace flannel::tunnel
