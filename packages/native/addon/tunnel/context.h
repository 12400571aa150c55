#pragma once

#include <string>

#include "admission.h"
#include "epochs.h"
#include "local_subnets.h"
#include "route_table.h"
#include "stop_signal.h"
#include "traffic_class.h"
#include "tun_device.h"
#include "udp_socket.h"

namespace flannel::tunnel {

struct TunnelOptions {
  TunOptions tun;
  Endpoint socket;
  Accept accept;
  /** Name of the interface that datagrams are taken from; empty for all. */
  std::string underlay;
  OuterClass outerClass;
};

/** What both packet threads work with. */
struct Context {
  explicit Context(const TunnelOptions& options)
      : accept(options.accept), underlay(options.underlay), outerClass(options.outerClass), socket(options.socket, options.tun.offloads), tun(options.tun) {}

  const Accept accept;
  const std::string underlay;
  const OuterClass outerClass;
  Epochs epochs;
  RouteTable routes{epochs};
  LocalSubnets local{epochs};
  StopSignal stop;
  /** Before the device, because a port in use must not touch the device of the one who has it. */
  UdpSocket socket;
  TunDevice tun;
};

}  // namespace flannel::tunnel
