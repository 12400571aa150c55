#pragma once

#include "epochs.h"
#include "local_subnets.h"
#include "route_table.h"
#include "stop_signal.h"
#include "tun_device.h"
#include "udp_socket.h"

namespace flannel::tunnel {

/** What both packet threads work with. */
struct Context {
  Context(const TunOptions& tunOptions, const Endpoint& socketAddress, bool acceptAnyone)
      : socket(socketAddress), tun(tunOptions), acceptAny(acceptAnyone) {}

  Epochs epochs;
  RouteTable routes{epochs};
  LocalSubnets local{epochs};
  StopSignal stop;
  /** First of the two, because a port in use must not touch the device of the one who has it. */
  UdpSocket socket;
  TunDevice tun;
  /** Take packets from anyone, as upstream does. */
  const bool acceptAny;
};

}  // namespace flannel::tunnel
