#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "batch.h"
#include "cache_line.h"
#include "context.h"
#include "writer.h"

namespace flannel::tunnel {

/** Batches on their way from the receiver to the thread that writes the packets of a lane. */
class Lane {
 public:
  Lane(Context& context, std::size_t number) : number_(number), writer_(context, number) {}

  /** Receiver: gives the lane a batch. No more than {@link batches} can be under way. */
  void give(Batch& batch);
  /** Receiver: writes the packets of the lane itself, while no batch is under way. */
  void write(const Batch& batch);

  /** The lane's thread: writes batches until {@link stop}. */
  void run();
  /** Ends the thread when it has written what it was given. The receiver has ended. */
  void stop();

  const Writer& writer() const { return writer_; }

 private:
  const std::size_t number_;
  Writer writer_;
  /** A ring. A null asks the thread to end. */
  std::array<Batch*, std::bit_ceil(batches + 1)> given_{};
  /** How many were given so far; it may wrap. */
  alignas(cacheLine) std::atomic<std::uint32_t> count_{0};
};

}  // namespace flannel::tunnel
