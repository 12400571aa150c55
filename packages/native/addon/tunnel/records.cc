#include "records.h"

#include <stdexcept>

#include "byte_order.h"

namespace flannel::tunnel {
namespace {

Address readAddress(Records record) {
  const std::uint8_t family = record[0];
  if (family != 4 && family != 6) throw std::invalid_argument("an address family is 4 or 6");
  return {static_cast<Family>(family), {load64(&record[4]), load64(&record[12])}};
}

Prefix readPrefix(Records record) {
  const Address address = readAddress(record);
  const std::uint8_t length = record[1];
  if (length > (address.family == Family::ipv4 ? 32 : 128)) throw std::invalid_argument("a prefix is too long");
  return {{address.family, address.bits.first(length)}, length};
}

/** Cuts records of `size` bytes and reads each with `read`. */
template <typename Read>
auto readEach(Records records, std::size_t size, Read read) {
  if (records.size() % size != 0) throw std::invalid_argument("records are truncated");
  std::vector<decltype(read(records))> result;
  result.reserve(records.size() / size);
  for (; !records.empty(); records = records.subspan(size)) result.push_back(read(records.first(size)));
  return result;
}

void appendRecord(std::vector<std::uint8_t>& records, const Address& address, std::uint8_t length,
                  std::uint16_t port) {
  std::uint8_t record[recordSize] = {static_cast<std::uint8_t>(address.family), length};
  store16(record + 2, port);
  store64(record + 4, address.bits.high);
  store64(record + 12, address.bits.low);
  records.insert(records.end(), record, record + recordSize);
}

void appendAmount(std::vector<std::uint8_t>& records, const Amount& amount) {
  std::uint8_t bytes[16];
  store64(bytes, amount.packets);
  store64(bytes + 8, amount.bytes);
  records.insert(records.end(), bytes, bytes + sizeof bytes);
}

}  // namespace

Endpoint readEndpoint(Records record) {
  if (record.size() != recordSize) throw std::invalid_argument("an endpoint has 20 bytes");
  return {readAddress(record), load16(&record[2])};
}

std::vector<Prefix> readPrefixes(Records records) { return readEach(records, recordSize, readPrefix); }

std::vector<RouteSpec> readRoutes(Records records) {
  return readEach(records, routeRecordSize, [](Records record) {
    const Records peer = record.subspan(recordSize, recordSize);
    const PortRange sourcePorts{load16(&record[2 * recordSize]), load16(&record[2 * recordSize + 2])};
    return RouteSpec{readPrefix(record.first(recordSize)), readEndpoint(peer), peer[1] != 0, sourcePorts};
  });
}

std::vector<LocalSubnet> readLocalSubnets(Records records) {
  return readEach(records, 2 * recordSize, [](Records record) {
    return LocalSubnet{readPrefix(record.first(recordSize)), readAddress(record.subspan(recordSize))};
  });
}

void appendPeer(std::vector<std::uint8_t>& records, const Route& route) {
  appendRecord(records, route.destination.network, route.destination.length, 0);
  appendRecord(records, route.peer.address(), 0, route.peer.port());
  Amount sent, received;
  for (const PeerState& lane : *route.states) {
    lane.sent.addTo(sent);
    lane.received.addTo(received);
  }
  appendAmount(records, sent);
  appendAmount(records, received);
}

}  // namespace flannel::tunnel
