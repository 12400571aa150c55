#pragma once

#include <cstdint>
#include <span>

#include "icmp.h"
#include "local_subnets.h"
#include "rate_limit.h"

namespace flannel::tunnel {

/** Makes the ICMP errors of one direction: from this host's own address, and not too many. */
class IcmpReporter {
 public:
  explicit IcmpReporter(const LocalSubnets& local) : local_(local) {}

  /** The message about a packet; empty when there must be none. */
  IcmpMessage make(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header,
                   std::uint32_t mtu = 0) {
    const Address* source = local_.addressOf(header.source.family);
    if (!source || !limit_.allow()) return {};
    return makeIcmpError(error, packet, header, *source, mtu);
  }

 private:
  const LocalSubnets& local_;
  /** Messages per second and at once: as the kernel's own (icmp_msgs_per_sec, icmp_msgs_burst in ip-sysctl.rst). */
  RateLimit limit_{1000, 50};
};

}  // namespace flannel::tunnel
