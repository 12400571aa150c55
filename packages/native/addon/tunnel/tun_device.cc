#include "tun_device.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "interface_request.h"
#include "system_error.h"

namespace flannel::tunnel {
namespace {

// Since Linux 6.2, and newer than some headers.
constexpr unsigned tunUso4 = 0x20;
constexpr unsigned tunUso6 = 0x40;

void setMtuAndUp(const std::string& name, std::uint32_t mtu) {
  const FileDescriptor control(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a control socket"));
  ifreq request = interfaceRequest(name);
  request.ifr_mtu = static_cast<int>(mtu);
  checked(::ioctl(control.get(), SIOCSIFMTU, &request), "set the MTU of the TUN device");
  request = interfaceRequest(name);
  checked(::ioctl(control.get(), SIOCGIFFLAGS, &request), "read the flags of the TUN device");
  request.ifr_flags |= IFF_UP;
  checked(::ioctl(control.get(), SIOCSIFFLAGS, &request), "set the TUN device up");
}

/**
 * The kernel lets one process attach to a device of one queue, but any number to one of several: its link is up while a
 * process is attached.
 */
void requireUnattached(const std::string& name) {
  const FileDescriptor control(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a control socket"));
  ethtool_value link{.cmd = ETHTOOL_GLINK, .data = 0};
  ifreq request = interfaceRequest(name);
  request.ifr_data = reinterpret_cast<char*>(&link);
  if (::ioctl(control.get(), SIOCETHTOOL, &request) != 0 || link.data == 0) return;
  errno = EBUSY;
  throwErrno("attach to the TUN device");
}

/** The most that this kernel offers. Both kinds of UDP segmentation go together, or the kernel refuses them. */
TunOffloads enableOffloads(int fd) {
  constexpr unsigned checksum = TUN_F_CSUM;
  constexpr unsigned tcp = checksum | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (::ioctl(fd, TUNSETOFFLOAD, tcp | tunUso4 | tunUso6) == 0) return {.header = true, .tcp = true, .udp = true};
  if (::ioctl(fd, TUNSETOFFLOAD, tcp) == 0) return {.header = true, .tcp = true};
  ::ioctl(fd, TUNSETOFFLOAD, 0);
  return {.header = true};
}

}  // namespace

TunDevice::TunDevice(const TunOptions& options) : mtu_(options.mtu) {
  // A persistent device has one queue or may have several, as its maker chose, and can only be attached to as such.
  const short kinds[] = {static_cast<short>(options.queues > 1 ? IFF_MULTI_QUEUE : 0),
                         static_cast<short>(options.queues > 1 ? 0 : IFF_MULTI_QUEUE)};
  try {
    attach(options, kinds[0]);
  } catch (const std::system_error& error) {
    if (error.code().value() != EINVAL) throw;
    attach(options, kinds[1]);
  }
  // A persistent device remembers what its last owner asked for.
  if (options.offloads) {
    offloads_ = enableOffloads(fd(0));
  } else {
    ::ioctl(fd(0), TUNSETOFFLOAD, 0);
  }
  setMtuAndUp(name_, options.mtu);
  checked(::ioctl(fd(0), TUNSETPERSIST, options.persistent ? 1 : 0), "set persistence of the TUN device");
}

void TunDevice::attach(const TunOptions& options, short kind) {
  queues_.clear();
  if (kind != 0) requireUnattached(options.name);
  ifreq request = interfaceRequest(options.name);
  const int header = options.offloads ? IFF_VNET_HDR : 0;
  do {
    // The kernel returns other flags, and the name where it was a pattern.
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | header | kind);
    queues_.emplace_back(checked(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "open /dev/net/tun"));
    checked(::ioctl(queues_.back().get(), TUNSETIFF, &request), "attach to the TUN device");
  } while (kind != 0 && queues_.size() < options.queues);
  name_ = request.ifr_name;
}

}  // namespace flannel::tunnel
