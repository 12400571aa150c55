#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "address.h"
#include "endpoint.h"
#include "local_subnets.h"
#include "route_table.h"

namespace flannel::tunnel {

/*
 * How prefixes and endpoints cross the border to JavaScript: 20 bytes, big-endian.
 *
 *    0        1        2                 4                                    20
 *   | family | length | port            | address, padded with zeros on the right |
 *
 * A prefix has no port, an endpoint no length; the endpoint of a route has 1 there when its peer combines ECN fields. A route is a prefix and an endpoint,
 * then the first and the last of its peer's further source ports, 2 bytes each; a local subnet is a prefix and an address.
 */
inline constexpr std::size_t recordSize = 20;
inline constexpr std::size_t routeRecordSize = 2 * recordSize + 4;
/** A prefix and an endpoint, then packets and bytes sent, packets and bytes received. */
inline constexpr std::size_t peerRecordSize = 2 * recordSize + 4 * 8;

using Records = std::span<const std::uint8_t>;

/** @throws std::invalid_argument for malformed records, in all of these. */
Endpoint readEndpoint(Records record);
std::vector<Prefix> readPrefixes(Records records);
std::vector<RouteSpec> readRoutes(Records records);
std::vector<LocalSubnet> readLocalSubnets(Records records);

void appendPeer(std::vector<std::uint8_t>& records, const Route& route);

}  // namespace flannel::tunnel
