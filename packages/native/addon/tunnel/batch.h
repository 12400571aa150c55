#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "cache_line.h"
#include "delivery.h"
#include "epochs.h"
#include "receive_buffer.h"

namespace flannel::tunnel {

/**
 * Datagrams that were received together, on their way to the lanes that write them. The receiver fills it while it is free;
 * lanes that it is given to then work on it at once; the last one to end frees it.
 */
class Batch {
 public:
  /** @param reader of the batch in `epochs`: the routes of its packets stay until it is free. */
  Batch(Epochs& epochs, std::size_t reader, std::size_t lanes, std::size_t messages);

  ReceiveBuffer& buffer() { return buffer_; }

  /** Receiver: begins to fill a free batch. */
  void begin();
  /** Receiver: adds a packet that lies in the buffer. */
  void add(std::size_t lane, const Delivery& delivery) { deliveries_[lane].push_back(delivery); }
  std::span<const Delivery> deliveries(std::size_t lane) const { return deliveries_[lane]; }

  /** Receiver: from now on the batch is free when so many lanes have ended. */
  void share(unsigned lanes) { working_.store(lanes, std::memory_order_relaxed); }
  /** A lane has ended with it; or the receiver, when it has not shared it. */
  void end();

  bool free() const { return free_.load(std::memory_order_acquire); }
  void waitUntilFree() const { free_.wait(false, std::memory_order_acquire); }

 private:
  Epochs& epochs_;
  const std::size_t reader_;
  ReceiveBuffer buffer_;
  std::vector<std::vector<Delivery>> deliveries_;
  alignas(cacheLine) std::atomic<unsigned> working_{1};
  std::atomic<bool> free_{true};
};

}  // namespace flannel::tunnel
