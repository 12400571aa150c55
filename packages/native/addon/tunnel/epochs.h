#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "cache_line.h"

namespace flannel::tunnel {

/** The two directions, whose threads read shared tables. */
enum class Reader : std::uint8_t { transmit, receive };

/**
 * Lets packet threads read tables without locks while one writer replaces parts of them (epoch-based reclamation).
 *
 * A reader marks the time during which it holds pointers with a {@link Guard}, one per burst of packets. The
 * writer first makes an object unreachable, then retires it; it is deleted once every reader that might
 * have seen it has ended that burst.
 */
class Epochs {
 public:
  class Guard {
   public:
    Guard(Epochs& epochs, Reader reader) : state_(epochs.readers_[static_cast<int>(reader)].epoch) {
      state_.store(epochs.now_.load(std::memory_order_relaxed), std::memory_order_relaxed);
      // Pairs with the fence in reclaim(): either the writer sees this reader, or this reader sees what the writer did.
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    ~Guard() { state_.store(outside, std::memory_order_release); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    std::atomic<std::uint64_t>& state_;
  };

  /** Writer only: deletes `object`, which no table refers to any more, when no reader can hold it. */
  template <typename T>
  void retire(std::unique_ptr<T> object) {
    retired_.emplace_back(now_.fetch_add(1, std::memory_order_seq_cst), std::shared_ptr<const void>(std::move(object)));
  }

  /** Writer only: deletes what can be deleted by now. Never waits. */
  void reclaim();

 private:
  static constexpr std::uint64_t outside = 0;

  struct alignas(cacheLine) State {
    std::atomic<std::uint64_t> epoch{outside};
  };

  std::atomic<std::uint64_t> now_{1};
  std::array<State, 2> readers_;
  std::deque<std::pair<std::uint64_t, std::shared_ptr<const void>>> retired_;
};

}  // namespace flannel::tunnel
