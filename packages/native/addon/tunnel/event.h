#pragma once

#include <sys/eventfd.h>

#include "file_descriptor.h"
#include "system_error.h"

namespace flannel::tunnel {

/**
 * Wakes a thread that waits for it to be readable (eventfd(2)). The thread that takes it sees what was done before it was
 * raised.
 */
class Event {
 public:
  Event() : fd_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "open an eventfd")) {}

  int fd() const { return fd_.get(); }
  void raise() const { ::eventfd_write(fd(), 1); }
  /** Whether it was raised since it was last taken. */
  bool take() const {
    eventfd_t count;
    return ::eventfd_read(fd(), &count) == 0;
  }

 private:
  FileDescriptor fd_;
};

}  // namespace flannel::tunnel
