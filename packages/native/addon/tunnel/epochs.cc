#include "epochs.h"

namespace flannel::tunnel {

void Epochs::reclaim() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::uint64_t oldest = UINT64_MAX;
  for (const State& reader : readers_) {
    const std::uint64_t epoch = reader.epoch.load(std::memory_order_acquire);
    if (epoch != outside && epoch < oldest) oldest = epoch;
  }
  while (!retired_.empty() && retired_.front().first < oldest) retired_.pop_front();
}

}  // namespace flannel::tunnel
