#pragma once

#include <cstdint>
#include <span>

#include "icmp.h"
#include "local_subnets.h"
#include "rate_limit.h"

namespace flannel::tunnel {

/**
 * Makes the ICMP errors of one direction: from this host's own address, and not too many. Path-MTU messages have a budget of
 * their own: without them connections hang, and a flood to an unknown destination must not use them up.
 */
class IcmpReporter {
 public:
  explicit IcmpReporter(const LocalSubnets& local) : local_(local) {}

  /** The message about a packet; empty when there must be none. */
  IcmpMessage make(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header,
                   std::uint32_t mtu = 0) {
    RateLimit& limit = error == IcmpError::tooBig ? pathMtuLimit_ : limit_;
    const Address* source = local_.addressOf(header.source.family);
    if (!source || !limit.allows()) return {};
    const IcmpMessage message = makeIcmpError(error, packet, header, *source, mtu);
    if (!message.empty()) limit.take();
    return message;
  }

 private:
  /** Messages per second and at once: as the kernel's own (icmp_msgs_per_sec, icmp_msgs_burst in ip-sysctl.rst). */
  static constexpr double perSecond = 1000;
  static constexpr double burst = 50;

  const LocalSubnets& local_;
  RateLimit limit_{perSecond, burst};
  RateLimit pathMtuLimit_{perSecond, burst};
};

}  // namespace flannel::tunnel
