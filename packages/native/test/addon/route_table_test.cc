#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "check.h"
#include "packet_builder.h"
#include "tunnel/route_table.h"

namespace flannel::tunnel {
namespace {

Address randomAddress(std::mt19937& random) {
  // Few different bits, so that prefixes nest and collide.
  const std::uint64_t bits = random() & 0x7777;
  if (random() % 2 == 0) return {Family::ipv4, {0x0a05000000000000 ^ bits << 32, 0}};
  return {Family::ipv6, {0xfd00000000000000 | bits, bits << 48}};
}

RouteSpec randomRoute(std::mt19937& random) {
  const Address address = randomAddress(random);
  const unsigned longest = address.family == Family::ipv4 ? 32 : 128;
  const auto length = static_cast<std::uint8_t>(longest - random() % (longest == 32 ? 33 : 80));
  return {{{address.family, address.bits.first(length)}, length},
          Endpoint(localAddress(Family::ipv4), static_cast<std::uint16_t>(random()))};
}

/** The slow way. */
const RouteSpec* longestMatch(const std::vector<RouteSpec>& routes, const Address& address) {
  const RouteSpec* best = nullptr;
  for (const RouteSpec& route : routes) {
    if (route.destination.contains(address) && (!best || route.destination.length > best->destination.length)) best = &route;
  }
  return best;
}

void put(std::vector<RouteSpec>& routes, const RouteSpec& added) {
  std::erase_if(routes, [&](const RouteSpec& route) { return route.destination == added.destination; });
  routes.push_back(added);
}

void findsTheLongestPrefix() {
  std::mt19937 random(2);
  Epochs epochs(2);
  RouteTable table(epochs, 1);
  std::vector<RouteSpec> expected;
  for (int round = 0; round < 300; round++) {
    if (round % 100 == 99) {
      expected.clear();
      std::vector<RouteSpec> all;
      for (int count = 0; count < 40; count++) all.push_back(randomRoute(random));
      for (const RouteSpec& route : all) put(expected, route);
      table.assign(all);
    }
    const RouteSpec added = randomRoute(random);
    const RouteSpec removed = expected.empty() ? added : expected[random() % expected.size()];
    std::erase_if(expected, [&](const RouteSpec& route) { return route.destination == removed.destination; });
    put(expected, added);
    table.update({&added, 1}, {&removed.destination, 1});

    std::size_t visited = 0;
    table.forEach([&](const Route&) { visited++; });
    CHECK(visited == expected.size());
    for (int count = 0; count < 100; count++) {
      const Address address = randomAddress(random);
      const RouteSpec* wanted = longestMatch(expected, address);
      const Route* found = table.find(address);
      CHECK((wanted == nullptr) == (found == nullptr));
      if (wanted) CHECK(found->destination == wanted->destination && found->peer == wanted->peer);
    }
  }
}

/** A peer's packets come from its socket, or by its fast path from its further ports; a table that grows keeps them. */
void knowsFromWhereAPeerSends() {
  Epochs epochs(2);
  RouteTable table(epochs, 1);
  const Address peer = localAddress(Family::ipv4), other = remoteAddress(Family::ipv4, 0);
  const RouteSpec without{{{Family::ipv4, {0x0a05010000000000, 0}}, 24}, Endpoint(peer, 8285)};
  const RouteSpec with{{{Family::ipv4, {0x0a05020000000000, 0}}, 24}, Endpoint(peer, 8285), false, {61000, 62023}};
  table.assign(std::vector<RouteSpec>{without, with});
  std::mt19937 random(4);
  for (int count = 0; count < 200; count++) {
    RouteSpec added = randomRoute(random);
    if (added.destination == without.destination || added.destination == with.destination) continue;
    table.update({&added, 1}, {});
  }
  const auto isFrom = [&](const RouteSpec& spec, const Address& address, std::uint16_t port) {
    const Address inside{Family::ipv4, {spec.destination.network.bits.high | 0x9900000000, 0}};
    const Route* route = table.find(inside);
    CHECK(route != nullptr);
    return route->isFrom(Endpoint(address, port));
  };
  for (const std::uint16_t port : {8285, 61000, 61500, 62023}) {
    CHECK(isFrom(with, peer, port));
    CHECK(!isFrom(with, other, port));
    CHECK(isFrom(without, peer, port) == (port == 8285));
  }
  for (const std::uint16_t port : {0, 8284, 60999, 62024}) CHECK(!isFrom(with, peer, port) && !isFrom(without, peer, port));
}

/** Threads that count must not slow down threads that look up. */
void keepsCountersOnLinesOfTheirOwn() {
  Epochs epochs(2);
  RouteTable table(epochs, 1);
  const RouteSpec route{{{Family::ipv4, {}}, 0}, Endpoint(localAddress(Family::ipv4), 1)};
  table.update({&route, 1}, {});
  const PeerState* state = &table.find(localAddress(Family::ipv4))->state(0);
  CHECK(reinterpret_cast<std::uintptr_t>(state) % cacheLine == 0);
}

/** A reader must never meet a freed route (the sanitizer would tell), nor miss one that is always there. */
void servesReadersWhileItChanges() {
  std::mt19937 random(3);
  Epochs epochs(2);
  RouteTable table(epochs, 1);
  const RouteSpec constant{{{Family::ipv4, {0xc0a8000000000000, 0}}, 16}, Endpoint(localAddress(Family::ipv4), 1)};
  const Address inside{Family::ipv4, {0xc0a8010200000000, 0}};
  table.update({&constant, 1}, {});

  std::atomic<bool> stop = false;
  const auto read = [&](std::size_t reader) {
    std::mt19937 own(reader);
    std::uint64_t checked = 0;
    while (!stop) {
      const Epochs::Guard guard(epochs, reader);
      for (int count = 0; count < 50; count++) {
        if (const Route* found = table.find(randomAddress(own))) found->state(0).sent.add(1, found->peer.port());
      }
      CHECK(table.find(inside) != nullptr);
      checked++;
    }
    CHECK(checked > 0);
  };
  std::thread first(read, 0), second(read, 1);
  for (int round = 0; round < 20'000; round++) {
    const RouteSpec added = randomRoute(random), removed = randomRoute(random);
    table.update({&added, 1}, {&removed.destination, 1});
    if (round % 1000 == 0) table.assign(std::vector<RouteSpec>{added, constant});
  }
  stop = true;
  first.join();
  second.join();
}

}  // namespace

void routeTableTests() {
  findsTheLongestPrefix();
  knowsFromWhereAPeerSends();
  keepsCountersOnLinesOfTheirOwn();
  servesReadersWhileItChanges();
}

}  // namespace flannel::tunnel
