#include "batch.h"

namespace flannel::tunnel {

Batch::Batch(Epochs& epochs, std::size_t reader, std::size_t lanes, std::size_t messages)
    : epochs_(epochs), reader_(reader), buffer_(messages), deliveries_(lanes) {}

void Batch::begin() {
  free_.store(false, std::memory_order_relaxed);
  working_.store(1, std::memory_order_relaxed);
  for (auto& lane : deliveries_) lane.clear();
  epochs_.enter(reader_);
}

void Batch::end() {
  if (working_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  epochs_.leave(reader_);
  free_.store(true, std::memory_order_release);
  free_.notify_one();
}

}  // namespace flannel::tunnel
