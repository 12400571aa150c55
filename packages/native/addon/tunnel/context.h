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

/** How many batches may be under way from the socket to the lanes: enough that the socket is read while others are written. */
inline constexpr std::size_t batches = 4;

struct TunnelOptions {
  TunOptions tun;
  Endpoint socket;
  Accept accept;
  /** Name of the interface that datagrams are taken from; empty for all. */
  std::string underlay;
  OuterClass outerClass;
};

/** What all packet threads work with. */
struct Context {
  explicit Context(const TunnelOptions& options)
      : accept(options.accept),
        underlay(options.underlay),
        outerClass(options.outerClass),
        lanes(options.tun.queues),
        socket(options.socket, options.tun.offloads),
        tun(options.tun) {}

  const Accept accept;
  const std::string underlay;
  const OuterClass outerClass;
  /** How many threads may carry packets in a direction at once, each those of other flows. */
  const std::size_t lanes;
  /** The lanes read tables to send, and batches hold routes until they are written. */
  Epochs epochs{lanes + batches};
  RouteTable routes{epochs, lanes};
  LocalSubnets local{epochs};
  StopSignal stop;
  /** Before the device, because a port in use must not touch the device of the one who has it. */
  UdpSocket socket;
  TunDevice tun;
};

}  // namespace flannel::tunnel
