#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "file_descriptor.h"
#include "offload.h"

namespace flannel::tunnel {

struct TunOptions {
  std::string name;
  std::uint32_t mtu;
  /** The device outlives its file descriptor. */
  bool persistent;
  /** Ask the kernel for super-packets, described by a virtio-net header. */
  bool offloads;
};

/** A TUN device, up: IP packets without a link-layer header (Documentation/networking/tuntap.rst). */
class TunDevice {
 public:
  /** Creates the device, or attaches to a persistent one of that name. @throws std::system_error */
  explicit TunDevice(const TunOptions& options);

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  /** As it was set when the device was opened. */
  std::uint32_t mtu() const { return mtu_; }
  const TunOffloads& offloads() const { return offloads_; }
  /** Bytes before every packet that is read or written. */
  std::size_t prefixLength() const { return offloads_.header ? sizeof(OffloadHeader) : 0; }

 private:
  FileDescriptor fd_;
  std::string name_;
  std::uint32_t mtu_;
  TunOffloads offloads_;
};

}  // namespace flannel::tunnel
