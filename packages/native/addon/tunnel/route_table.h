#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "address.h"
#include "endpoint.h"
#include "epochs.h"
#include "peer_state.h"

namespace flannel::tunnel {

struct RouteSpec {
  Prefix destination;
  Endpoint peer;
  /** The peer combines ECN fields as RFC 6040 has it. */
  bool ecn = false;
  /** From which ports the peer's fast path sends, besides its own. */
  PortRange sourcePorts{};
};

/** A node of the table: what packets to a destination need. */
struct Route {
  Prefix destination;
  Endpoint peer;
  bool ecn = false;
  PortRange sourcePorts{};
  /** Kept when the table is rebuilt. Written by the packet threads. */
  std::shared_ptr<PeerStates> states;
  std::atomic<Route*> next{nullptr};

  /** Tells whether the peer sent what came from there: from its socket, or by its fast path. */
  bool isFrom(const Endpoint& sender) const {
    return peer == sender || (sourcePorts.contains(sender.port()) && peer.address() == sender.address());
  }

  PeerState& state(std::size_t lane) const { return (*states)[lane]; }
};

/**
 * Longest-prefix match from destination to peer: a hash table that is asked once for every prefix length in
 * use, longest first. The cost of a lookup depends on the number of different lengths (one or two in an
 * overlay), not on the number of routes; a change costs what it changes. One writer; readers hold an {@link Epochs::Guard}.
 */
class RouteTable {
 public:
  /** @param lanes how many keep something for a peer. */
  RouteTable(Epochs& epochs, std::size_t lanes);
  ~RouteTable();

  /** Reader: the route whose destination is the longest prefix around `address`, or null. */
  const Route* find(const Address& address) const;

  /** Writer: replaces all routes at once; a reader sees all of the old or all of the new ones. */
  void assign(std::span<const RouteSpec> routes);

  /** Writer: adds or replaces by destination, and removes; one route after another. */
  void update(std::span<const RouteSpec> add, std::span<const Prefix> remove);

  /** Writer: calls `visit` with every route. */
  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (const auto& slot : index_.load(std::memory_order_relaxed)->slots) {
      for (const Route* route = slot.load(std::memory_order_relaxed); route; route = route->next.load()) visit(*route);
    }
  }

 private:
  /** Which prefix lengths have routes, as bits. */
  struct Lengths {
    std::array<std::atomic<std::uint64_t>, 3> bits{};
    std::array<std::uint32_t, 129> routes{};

    void add(unsigned length);
    void remove(unsigned length);
  };

  struct Index {
    explicit Index(std::size_t capacity) : slots(capacity) {}
    ~Index();

    std::atomic<Route*>& slotOf(const Bits& network, unsigned length);
    const Route* find(const Prefix& destination);
    /** Puts a route in front of its slot's chain, and returns the one that it replaces, unlinked. */
    std::unique_ptr<Route> put(std::unique_ptr<Route> route);
    std::unique_ptr<Route> take(const Prefix& destination, Route* skip = nullptr);

    std::vector<std::atomic<Route*>> slots;
    std::array<Lengths, 2> lengths;
    std::size_t size = 0;
  };

  Index& index() const { return *index_.load(std::memory_order_relaxed); }
  std::unique_ptr<Route> makeRoute(const RouteSpec& spec) const;
  void replace(std::unique_ptr<Index> index);
  void grow();

  Epochs& epochs_;
  const std::size_t lanes_;
  std::atomic<Index*> index_;
};

}  // namespace flannel::tunnel
