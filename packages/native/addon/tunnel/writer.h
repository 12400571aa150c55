#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cache_line.h"
#include "coalescer.h"
#include "context.h"
#include "delivery.h"
#include "drops.h"

namespace flannel::tunnel {

/** Writes packets of some flows to the TUN device: a lane from the network. For one thread at a time. */
class alignas(cacheLine) Writer {
 public:
  Writer(Context& context, std::size_t lane);

  /** Takes a packet, which must stay where it is until {@link flush}. */
  void add(const Delivery& delivery);
  /** Writes everything that was taken so far. */
  void flush();

  const Traffic& traffic() const { return traffic_; }
  const DropCounts& drops() const { return drops_; }

 private:
  void complete(const Delivery& delivery);
  /** Cuts a super-packet that the device does not take, and writes the pieces behind what came before. */
  void writeInPieces(const Delivery& delivery, const OffloadHeader& offload);
  /** Writes one packet, or several in one, whose parts begin with an offload header. */
  void write(std::span<const iovec> parts, const Route* route, std::uint32_t packets, std::uint32_t bytes);

  Context& context_;
  const std::size_t lane_;
  Coalescer coalescer_;
  Traffic traffic_;
  DropCounts drops_;
};

}  // namespace flannel::tunnel
