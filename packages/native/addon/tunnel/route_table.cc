#include "route_table.h"

#include <algorithm>
#include <bit>

namespace flannel::tunnel {
namespace {

constexpr std::size_t smallestCapacity = 64;

std::size_t familyIndex(Family family) { return family == Family::ipv4 ? 0 : 1; }

/** Mixes all bits of a prefix; IPv4 and IPv6 share slots, so the chain is compared in full. */
std::uint64_t hash(const Bits& network, unsigned length) {
  std::uint64_t mixed = (network.high ^ std::rotl(network.low, 29)) + length;
  mixed *= 0x9e3779b97f4a7c15;
  mixed ^= mixed >> 32;
  mixed *= 0xd6e8feb86659fd93;
  return mixed ^ (mixed >> 32);
}

}  // namespace

RouteTable::RouteTable(Epochs& epochs, std::size_t lanes)
    : epochs_(epochs), lanes_(lanes), index_(std::make_unique<Index>(smallestCapacity).release()) {}

RouteTable::~RouteTable() { std::unique_ptr<Index>(index_.load()); }

const Route* RouteTable::find(const Address& address) const {
  Index& index = *index_.load(std::memory_order_acquire);
  const Lengths& lengths = index.lengths[familyIndex(address.family)];
  for (int word = 2; word >= 0; word--) {
    std::uint64_t bits = lengths.bits[word].load(std::memory_order_acquire);
    while (bits != 0) {
      const unsigned bit = std::bit_width(bits) - 1;
      bits ^= std::uint64_t{1} << bit;
      const unsigned length = word * 64 + bit;
      const Prefix wanted{{address.family, address.bits.first(length)}, static_cast<std::uint8_t>(length)};
      if (const Route* route = index.find(wanted)) return route;
    }
  }
  return nullptr;
}

void RouteTable::assign(std::span<const RouteSpec> routes) {
  auto next = std::make_unique<Index>(std::bit_ceil(std::max(routes.size(), smallestCapacity)));
  // Of two routes with the same destination the last one counts.
  for (const RouteSpec& spec : routes) next->put(makeRoute(spec));
  replace(std::move(next));
  epochs_.reclaim();
}

void RouteTable::update(std::span<const RouteSpec> add, std::span<const Prefix> remove) {
  for (const Prefix& destination : remove) {
    if (auto gone = index().take(destination)) epochs_.retire(std::move(gone));
  }
  for (const RouteSpec& spec : add) {
    if (index().size == index().slots.size()) grow();
    if (auto gone = index().put(makeRoute(spec))) epochs_.retire(std::move(gone));
  }
  epochs_.reclaim();
}

std::unique_ptr<Route> RouteTable::makeRoute(const RouteSpec& spec) const {
  auto route = std::make_unique<Route>();
  route->destination = spec.destination;
  route->peer = spec.peer;
  route->ecn = spec.ecn;
  route->sourcePorts = spec.sourcePorts;
  const Route* before = index().find(spec.destination);
  const bool samePeer = before && before->peer == spec.peer;
  route->states = samePeer ? before->states : std::make_shared<PeerStates>(lanes_);
  return route;
}

void RouteTable::replace(std::unique_ptr<Index> index) {
  epochs_.retire(std::unique_ptr<Index>(index_.exchange(index.release(), std::memory_order_acq_rel)));
}

void RouteTable::grow() {
  auto next = std::make_unique<Index>(index().slots.size() * 2);
  forEach([&](const Route& route) {
    next->put(makeRoute({route.destination, route.peer, route.ecn, route.sourcePorts}));
  });
  replace(std::move(next));
}

RouteTable::Index::~Index() {
  for (auto& slot : slots) {
    std::unique_ptr<Route> route(slot.load());
    while (route) route.reset(route->next.load());
  }
}

std::atomic<Route*>& RouteTable::Index::slotOf(const Bits& network, unsigned length) {
  return slots[hash(network, length) & (slots.size() - 1)];
}

const Route* RouteTable::Index::find(const Prefix& destination) {
  const Route* route = slotOf(destination.network.bits, destination.length).load(std::memory_order_acquire);
  while (route && route->destination != destination) route = route->next.load(std::memory_order_acquire);
  return route;
}

std::unique_ptr<Route> RouteTable::Index::put(std::unique_ptr<Route> route) {
  const Prefix destination = route->destination;
  auto& slot = slotOf(destination.network.bits, destination.length);
  route->next.store(slot.load(std::memory_order_relaxed), std::memory_order_relaxed);
  Route* added = route.release();
  slot.store(added, std::memory_order_release);
  lengths[familyIndex(destination.network.family)].add(destination.length);
  size++;
  return take(destination, added);
}

std::unique_ptr<Route> RouteTable::Index::take(const Prefix& destination, Route* skip) {
  auto* link = &slotOf(destination.network.bits, destination.length);
  for (Route* route = link->load(); route; link = &route->next, route = link->load()) {
    if (route == skip || route->destination != destination) continue;
    // A reader that stands on the removed route still finds the rest of the chain through it.
    link->store(route->next.load(), std::memory_order_release);
    lengths[familyIndex(destination.network.family)].remove(destination.length);
    size--;
    return std::unique_ptr<Route>(route);
  }
  return nullptr;
}

void RouteTable::Lengths::add(unsigned length) {
  if (routes[length]++ == 0) bits[length / 64].fetch_or(std::uint64_t{1} << (length % 64), std::memory_order_release);
}

void RouteTable::Lengths::remove(unsigned length) {
  if (--routes[length] == 0) bits[length / 64].fetch_and(~(std::uint64_t{1} << (length % 64)), std::memory_order_release);
}

}  // namespace flannel::tunnel
