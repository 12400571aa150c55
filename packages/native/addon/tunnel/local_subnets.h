#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "address.h"
#include "epochs.h"

namespace flannel::tunnel {

/** A subnet of this host, and the host's own address in it, which ICMP messages come from. */
struct LocalSubnet {
  Prefix subnet;
  Address address;
};

/** The subnets of this host; replaced at once. One writer; readers hold an {@link Epochs::Guard}. */
class LocalSubnets {
 public:
  explicit LocalSubnets(Epochs& epochs)
      : epochs_(epochs), subnets_(std::make_unique<std::vector<LocalSubnet>>().release()) {}
  ~LocalSubnets() { std::unique_ptr<std::vector<LocalSubnet>>(subnets_.load()); }

  void assign(std::vector<LocalSubnet> subnets) {
    auto next = std::make_unique<std::vector<LocalSubnet>>(std::move(subnets));
    epochs_.retire(std::unique_ptr<std::vector<LocalSubnet>>(subnets_.exchange(next.release())));
    epochs_.reclaim();
  }

  bool contain(const Address& address) const {
    for (const LocalSubnet& local : *subnets_.load(std::memory_order_acquire)) {
      if (local.subnet.contains(address)) return true;
    }
    return false;
  }

  /** This host's address of a family, or null. Valid as long as the guard. */
  const Address* addressOf(Family family) const {
    for (const LocalSubnet& local : *subnets_.load(std::memory_order_acquire)) {
      if (local.address.family == family) return &local.address;
    }
    return nullptr;
  }

 private:
  Epochs& epochs_;
  std::atomic<std::vector<LocalSubnet>*> subnets_;
};

}  // namespace flannel::tunnel
