#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>

#include "file_descriptor.h"
#include "system_error.h"

namespace flannel::tunnel {

/** Tells threads that wait for packets to end. */
class StopSignal {
 public:
  StopSignal() : fd_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "open an eventfd")) {}

  void raise() {
    raised_.store(true, std::memory_order_relaxed);
    ::eventfd_write(fd_.get(), 1);
  }
  bool raised() const { return raised_.load(std::memory_order_relaxed); }

  /** Waits until `fd` is ready for `events`; false when it is time to stop. */
  bool waitFor(int fd, short events) const {
    pollfd polled[] = {{fd, events, 0}, {fd_.get(), POLLIN, 0}};
    while (::poll(polled, 2, -1) < 0) {
      if (errno != EINTR) throwErrno("wait for packets");
    }
    return polled[1].revents == 0;
  }

 private:
  FileDescriptor fd_;
  std::atomic<bool> raised_ = false;
};

}  // namespace flannel::tunnel
