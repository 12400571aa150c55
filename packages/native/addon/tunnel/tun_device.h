#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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
  /** How many queues to read the device by; a persistent device that was made with one keeps it. */
  std::size_t queues;
};

/** A TUN device, up: IP packets without a link-layer header (Documentation/networking/tuntap.rst). */
class TunDevice {
 public:
  /** Creates the device, or attaches to a persistent one of that name. @throws std::system_error */
  explicit TunDevice(const TunOptions& options);

  /** Queues that the kernel spreads flows over, the packets of a flow and of its answers on the same one. */
  std::size_t queues() const { return queues_.size(); }
  /** @param lane who asks; lanes beyond the last queue share them. */
  int fd(std::size_t lane) const { return queues_[lane % queues_.size()].get(); }
  const std::string& name() const { return name_; }
  /** As it was set when the device was opened. */
  std::uint32_t mtu() const { return mtu_; }
  const TunOffloads& offloads() const { return offloads_; }
  /** Bytes before every packet that is read or written. */
  std::size_t prefixLength() const { return offloads_.header ? sizeof(OffloadHeader) : 0; }

 private:
  void attach(const TunOptions& options, short kind);

  std::vector<FileDescriptor> queues_;
  std::string name_;
  std::uint32_t mtu_;
  TunOffloads offloads_;
};

}  // namespace flannel::tunnel
