#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flannel::tunnel {

/**
 * The latest item of each flow of a burst. A lookup looks at few places, however many flows there are and whatever their
 * hashes: of more flows that compete for the same places the oldest is forgotten (a set-associative cache).
 */
class FlowTable {
 public:
  struct Entry {
    std::uint64_t generation = 0;
    std::uint32_t tag = 0;
    std::uint32_t item = 0;
  };

  FlowTable() : entries_(sets * ways) {}

  /** Returns the entry of a flow, or null; `same` tells whether an item belongs to it. Valid until the table changes. */
  template <typename Same>
  Entry* find(std::uint64_t hash, Same same) {
    Entry* set = setOf(hash);
    for (Entry* entry = set; entry < set + ways; entry++) {
      if (entry->generation == generation_ && entry->tag == tagOf(hash) && same(entry->item)) return entry;
    }
    return nullptr;
  }

  /** Adds a flow that is not in the table; items must come in ascending order. */
  void add(std::uint64_t hash, std::uint32_t item) {
    Entry* set = setOf(hash);
    Entry* oldest = set;
    for (Entry* entry = set; entry < set + ways; entry++) {
      if (entry->generation != generation_) {
        oldest = entry;
        break;
      }
      if (entry->item < oldest->item) oldest = entry;
    }
    *oldest = {generation_, tagOf(hash), item};
  }

  void remove(Entry& entry) const { entry.generation = generation_ - 1; }

  void clear() { generation_++; }

 private:
  static constexpr std::size_t sets = 512;
  static constexpr std::size_t ways = 8;

  Entry* setOf(std::uint64_t hash) { return &entries_[hash % sets * ways]; }
  static std::uint32_t tagOf(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  std::vector<Entry> entries_;
  /** Entries of earlier bursts do not count: nothing needs to be written to empty the table. */
  std::uint64_t generation_ = 1;
};

}  // namespace flannel::tunnel
