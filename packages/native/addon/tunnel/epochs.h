#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "cache_line.h"

namespace flannel::tunnel {

/**
 * Lets packet threads read tables without locks while one writer replaces parts of them (epoch-based reclamation).
 *
 * A reader marks the time during which it holds pointers with {@link enter} and {@link leave}, once per burst of packets. The
 * writer first makes an object unreachable, then retires it; it is deleted once every reader that might
 * have seen it has ended that burst.
 */
class Epochs {
 public:
  /** @param readers how many readers hold pointers at a time. */
  explicit Epochs(std::size_t readers) : readers_(readers) {}

  /** Reader: from now on, what the tables refer to stays. */
  void enter(std::size_t reader) {
    readers_[reader].epoch.store(now_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    // Pairs with the fence in reclaim(): either the writer sees this reader, or this reader sees what the writer did.
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  /** Reader: holds no pointer any more. May be called on another thread than enter(). */
  void leave(std::size_t reader) { readers_[reader].epoch.store(outside, std::memory_order_release); }

  /** Enters, and leaves at the end of a block. */
  class Guard {
   public:
    Guard(Epochs& epochs, std::size_t reader) : epochs_(epochs), reader_(reader) { epochs_.enter(reader_); }
    ~Guard() { epochs_.leave(reader_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Epochs& epochs_;
    std::size_t reader_;
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
  std::vector<State> readers_;
  std::deque<std::pair<std::uint64_t, std::shared_ptr<const void>>> retired_;
};

}  // namespace flannel::tunnel
