#include "admission.h"

namespace flannel::tunnel {

Admission admit(std::span<std::uint8_t> datagram, const Endpoint& sender, Accept accept, const RouteTable& routes,
                const LocalSubnets& local) {
  const auto header = parseIpHeader(datagram);
  if (!header) return {.refused = Drop::malformed};

  const Route* route = routes.find(header->source);
  const bool fromPeer = route && route->isFrom(sender);
  Admission admission{.packet = datagram.first(header->totalLength), .header = *header};
  if (fromPeer) admission.route = route;
  if (accept == Accept::peers && !route) {
    admission.refused = Drop::unknownSource;
  } else if (accept == Accept::peers && !fromPeer) {
    admission.refused = Drop::wrongPeer;
  } else if (accept == Accept::peers && !local.contain(header->destination)) {
    admission.refused = Drop::notOurs;
  } else if (header->hops <= 1) {
    admission.refused = Drop::hopsExceeded;
  }
  return admission;
}

}  // namespace flannel::tunnel
