#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "flow_hash.h"
#include "flow_table.h"
#include "ip_header.h"
#include "mergeable.h"
#include "offload.h"

namespace flannel::tunnel {

struct Route;

/**
 * Merges packets of one TCP or UDP flow into super-packets, the inverse of {@link Segmenter}: the kernel would cut the
 * result into the same packets again. What cannot be merged passes unchanged, and packets of one flow stay in order.
 * No payload is copied: packets must stay where they are until {@link clear}.
 */
class Coalescer {
 public:
  /** One packet, or several in one. */
  struct Item {
    /** What to write: the offload header, the first packet, then payloads of those that were merged into it. */
    std::vector<iovec> parts;
    /** Of the packets as they arrived. */
    std::uint32_t packets;
    std::uint32_t bytes;
    /** As given with the first packet. */
    const Route* route;

   private:
    friend class Coalescer;
    /** Length of the super-packet. */
    std::size_t mergedLength() const;
    /** Makes the first packet's headers those of the super-packet. */
    void complete();

    OffloadHeader offload;
    std::span<std::uint8_t> first;
    IpHeader ip;
    TransportHeader transport;
    /** What the next packet must continue with. */
    std::uint32_t nextSequence;
    std::uint16_t nextIdentification;
    bool verified;
  };

  /** Which kinds the kernel takes as super-packets; the others pass unchanged. */
  explicit Coalescer(const TunOffloads& accepted) : accepted_(accepted) {}

  /** Takes a whole packet, whose IP header is `ip`. One that is to be written with an offload header of its own is not merged. */
  void add(std::span<std::uint8_t> packet, const IpHeader& ip, const Route* route, const OffloadHeader& offload = {});

  /** Completes the headers of merged packets. The items are valid until {@link clear}. */
  std::span<const Item> finish();

  void clear();

 private:
  static constexpr std::uint32_t maximumPackets = 64;

  /** Returns whether the item may grow. */
  bool append(std::span<std::uint8_t> packet, const IpHeader& ip, const TransportHeader& transport, const Route* route,
              const OffloadHeader& offload);
  bool accepts(TransportHeader::Kind kind) const;
  static bool canMerge(Item& item, std::span<const std::uint8_t> packet, const IpHeader& ip,
                       const TransportHeader& transport);
  static void merge(Item& item, std::span<std::uint8_t> packet, const TransportHeader& transport);
  /** Whether a packet that may belong to any flow between these hosts came behind an item. */
  bool isBehind(std::uint64_t hosts, std::uint32_t item) const;

  TunOffloads accepted_;
  std::vector<Item> items_;
  std::size_t size_ = 0;
  FlowHash hash_;
  /** Items that may grow: at most one per flow. */
  FlowTable open_;
  /** By hash of the hosts: items up to this one are closed. Hosts that share a place close more than they need to. */
  std::array<std::size_t, 256> barriers_{};
  bool hasBarriers_ = false;
};

}  // namespace flannel::tunnel
