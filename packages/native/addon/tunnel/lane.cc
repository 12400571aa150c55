#include "lane.h"

namespace flannel::tunnel {

void Lane::give(Batch& batch) {
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  given_[count % given_.size()] = &batch;
  count_.store(count + 1, std::memory_order_release);
  count_.notify_one();
}

void Lane::write(const Batch& batch) {
  for (const Delivery& delivery : batch.deliveries(number_)) writer_.add(delivery);
  // At the end of every burst: a packet is never held back to wait for others.
  writer_.flush();
}

void Lane::run() {
  for (std::uint32_t taken = 0;; taken++) {
    count_.wait(taken, std::memory_order_acquire);
    Batch* batch = given_[taken % given_.size()];
    if (!batch) return;
    write(*batch);
    batch->end();
  }
}

void Lane::stop() {
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  given_[count % given_.size()] = nullptr;
  count_.store(count + 1, std::memory_order_release);
  count_.notify_one();
}

}  // namespace flannel::tunnel
