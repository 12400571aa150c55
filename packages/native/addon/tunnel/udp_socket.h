#pragma once

#include "endpoint.h"
#include "file_descriptor.h"

namespace flannel::tunnel {

/** A bound UDP socket that never blocks. */
class UdpSocket {
 public:
  /** @throws std::system_error */
  explicit UdpSocket(const Endpoint& local);

  int fd() const { return fd_.get(); }
  /** The address it is bound to; the port is the one that the kernel chose for port 0. */
  Endpoint local() const;

 private:
  FileDescriptor fd_;
};

}  // namespace flannel::tunnel
