#pragma once

#include <net/if.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "system_error.h"

namespace flannel::tunnel {

/** An ioctl's request about a network interface (netdevice(7)). @throws std::system_error when the name is too long */
inline ifreq interfaceRequest(const std::string& name) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) {
    errno = ENAMETOOLONG;
    throwErrno("name the interface " + name);
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
  return request;
}

}  // namespace flannel::tunnel
