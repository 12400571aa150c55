#pragma once

#include <cstdint>
#include <string>

#include "file_descriptor.h"

namespace flannel::tunnel {

struct TunOptions {
  std::string name;
  std::uint32_t mtu;
  /** The device outlives its file descriptor. */
  bool persistent;
  /** Ask the kernel for super-packets, described by a virtio-net header. */
  bool offloads;
};

/** What the kernel leaves to us, and takes from us, in one read or write. */
struct TunOffloads {
  /** Every packet is preceded by a virtio-net header, and checksums may be partial. */
  bool header = false;
  bool tcp = false;
  bool udp = false;
};

/** A TUN device, up: IP packets without a link-layer header (Documentation/networking/tuntap.rst). */
class TunDevice {
 public:
  /** Creates the device, or attaches to a persistent one of that name. @throws std::system_error */
  explicit TunDevice(const TunOptions& options);

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  const TunOffloads& offloads() const { return offloads_; }

 private:
  FileDescriptor fd_;
  std::string name_;
  TunOffloads offloads_;
};

}  // namespace flannel::tunnel
