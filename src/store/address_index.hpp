// Which messages had an address: the timeline's index, written as sorted runs that are merged as they become many. So it
// costs the same however large it is, where a tree of all addresses would touch a page for each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "store/address_blocks.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// Keys of the table `block`: the run above, the first hash of the block below.
inline constexpr int kRunBits = 20;
constexpr std::int64_t block_key(std::int64_t run, std::int64_t hash) { return run << 43 | hash; }

struct IndexRun {
  std::int64_t id = 0;
  std::int64_t level = 0;  // how often it was merged; kFinal: never again
  std::int64_t first = 0;  // message
  std::int64_t last = 0;
  std::int64_t entries = 0;
};

// One thread, in the caller's transaction. All methods throw SqlError.
class AddressIndex {
 public:
  // `span`: what a run may cover at most before it is final, so that it can go when its messages are gone.
  AddressIndex(Database& database, base::Milliseconds span);

  // `entries`: sorted, each once.
  void add(std::span<const AddressEntry> entries);
  // Deletes the runs that lie before this message and have none left.
  void drop_before(std::int64_t message);

 private:
  static constexpr std::int64_t kFinal = 100;
  void write_run(std::span<const AddressEntry> entries, std::int64_t level);
  std::vector<IndexRun> runs_of(std::int64_t level);
  void merge(const std::vector<IndexRun>& runs);
  void delete_run(std::int64_t id);

  const base::Milliseconds span_;
  Statement select_level_, select_ids_, insert_run_, delete_run_;
  Statement insert_block_, select_blocks_, delete_blocks_;
  Statement select_gone_;
};

}  // namespace postrider::store
