#include "tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
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

TunDevice::TunDevice(const TunOptions& options)
    : fd_(checked(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "open /dev/net/tun")),
      mtu_(options.mtu) {
  ifreq request = interfaceRequest(options.name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (options.offloads) request.ifr_flags |= IFF_VNET_HDR;
  checked(::ioctl(fd(), TUNSETIFF, &request), "attach to the TUN device");
  name_ = request.ifr_name;
  // A persistent device remembers what its last owner asked for.
  if (options.offloads) {
    offloads_ = enableOffloads(fd());
  } else {
    ::ioctl(fd(), TUNSETOFFLOAD, 0);
  }
  setMtuAndUp(name_, options.mtu);
  checked(::ioctl(fd(), TUNSETPERSIST, options.persistent ? 1 : 0), "set persistence of the TUN device");
}

}  // namespace flannel::tunnel
