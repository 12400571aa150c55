#include "underlay.h"

#include <sys/ioctl.h>

#include <utility>

#include "interface_request.h"

namespace flannel::tunnel {

Underlay::Underlay(std::string name, int socket) : name_(std::move(name)), socket_(socket) { lookUp(); }

bool Underlay::includes(int index) {
  if (name_.empty()) return true;
  if (index != index_ && Clock::now() >= nextLookup_) lookUp();
  return index != 0 && index == index_;
}

void Underlay::lookUp() {
  ifreq request = interfaceRequest(name_);
  index_ = ::ioctl(socket_, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
  nextLookup_ = Clock::now() + lookupInterval;
}

}  // namespace flannel::tunnel
