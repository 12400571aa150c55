#pragma once

#include <sched.h>

#include <chrono>

namespace flannel::tunnel {

/**
 * Lets others run before a thread sleeps: those who fill its queue then need not wake it, and leave more there. Not
 * beside programs that compute: they take whole time slices and fill no queue.
 */
class Courtesy {
 public:
  /** Yields the processor, unless that has taken long of late; whether it did. */
  bool yield() {
    const auto before = Clock::now();
    if (before < pausedUntil_) return false;
    ::sched_yield();
    const auto after = Clock::now();
    if (after - before > longTurn) pausedUntil_ = after + pause;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  /** Less than the time slice of a program that computes, more than most turns of one that sends. */
  static constexpr auto longTurn = std::chrono::microseconds(2500);
  static constexpr auto pause = std::chrono::milliseconds(100);

  Clock::time_point pausedUntil_{};
};

}  // namespace flannel::tunnel
