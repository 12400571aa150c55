#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <initializer_list>

#include "event.h"

namespace flannel::tunnel {

/** Tells threads that wait for packets to end. */
class StopSignal {
 public:
  void raise() {
    raised_.store(true, std::memory_order_relaxed);
    event_.raise();
  }
  bool raised() const { return raised_.load(std::memory_order_relaxed); }

  /** Waits until one of two descriptors at most is ready for `events`; false when it is time to stop. */
  bool waitFor(std::initializer_list<int> fds, short events) const {
    std::array<pollfd, 3> polled{{{event_.fd(), POLLIN, 0}}};
    nfds_t count = 1;
    for (const int fd : fds) polled[count++] = {fd, events, 0};
    while (::poll(polled.data(), count, -1) < 0) {
      if (errno != EINTR) throwErrno("wait for packets");
    }
    return polled[0].revents == 0;
  }

 private:
  Event event_;
  std::atomic<bool> raised_ = false;
};

}  // namespace flannel::tunnel
