#include "store/address_index.hpp"

#include <algorithm>

#include "store/address_hash.hpp"

namespace postrider::store {
namespace {

// So many of a level become one of the next.
constexpr std::size_t kMerged = 8;
// A run of so many entries is final. Merging holds kMerged times as many in memory, twice 16 octets each: 13 MB.
constexpr std::int64_t kFullRun = 50'000;

static_assert(kRunBits + kHashBits == 63);
static_assert(block_key(1, 0) == std::int64_t{1} << kHashBits);

base::Milliseconds span_of(std::int64_t first, std::int64_t last) {
  return base::MessageId{last}.time() - base::MessageId{first}.time();
}

}  // namespace

AddressIndex::AddressIndex(Database& database, base::Milliseconds span)
    : span_(span),
      select_level_(database, "SELECT id, first, last, entries FROM run WHERE level = ?1 ORDER BY id"),
      select_ids_(database, "SELECT id FROM run ORDER BY id"),
      insert_run_(database, "INSERT INTO run(id, level, first, last, entries) VALUES(?1, ?2, ?3, ?4, ?5)"),
      delete_run_(database, "DELETE FROM run WHERE id = ?1"),
      insert_block_(database, "INSERT INTO block(key, entries) VALUES(?1, ?2)"),
      select_blocks_(database, "SELECT key, entries FROM block WHERE key BETWEEN ?1 AND ?2 ORDER BY key"),
      delete_blocks_(database, "DELETE FROM block WHERE key BETWEEN ?1 AND ?2"),
      select_gone_(database,
                   "SELECT id FROM run WHERE last < ?1 AND NOT EXISTS "
                   "(SELECT 1 FROM message WHERE message.id BETWEEN run.first AND run.last) LIMIT 1") {}

void AddressIndex::add(std::span<const AddressEntry> entries) {
  if (entries.empty()) return;
  write_run(entries, 0);
  for (std::int64_t level = 0; level < kFinal; ++level) {
    const auto runs = runs_of(level);
    if (runs.size() < kMerged) return;
    merge(runs);
  }
}

void AddressIndex::write_run(std::span<const AddressEntry> entries, std::int64_t level) {
  const auto [lowest, highest] = std::ranges::minmax_element(entries, {}, &AddressEntry::message);
  IndexRun run{.id = 1,
               .level = level,
               .first = lowest->message.value,
               .last = highest->message.value,
               .entries = static_cast<std::int64_t>(entries.size())};
  if (run.entries >= kFullRun || span_of(run.first, run.last) > span_) run.level = kFinal;
  // The lowest number that is free.
  for (Rows rows = select_ids_.query(); rows.next() && rows.number(0) == run.id;) ++run.id;
  if (run.id >> kRunBits != 0) throw SqlError("the timeline's index has too many runs");
  insert_run_.run(run.id, run.level, run.first, run.last, run.entries);
  while (!entries.empty()) {
    const std::int64_t key = block_key(run.id, entries.front().hash);
    const std::string block = take_block(entries);
    insert_block_.run(key, Blob{block});
  }
}

std::vector<IndexRun> AddressIndex::runs_of(std::int64_t level) {
  std::vector<IndexRun> runs;
  for (Rows rows = select_level_.query(level); rows.next();)
    runs.push_back({rows.number(0), level, rows.number(1), rows.number(2), rows.number(3)});
  return runs;
}

void AddressIndex::merge(const std::vector<IndexRun>& runs) {
  std::vector<std::vector<AddressEntry>> all;
  for (const IndexRun& run : runs) {
    auto& entries = all.emplace_back();
    // The row may be damaged; a run that is not final has fewer than kFullRun.
    entries.reserve(static_cast<std::size_t>(std::clamp<std::int64_t>(run.entries, 0, kFullRun)));
    const std::int64_t first = block_key(run.id, 0);
    for (Rows rows = select_blocks_.query(first, block_key(run.id + 1, 0) - 1); rows.next();) {
      // What can't be read is not found any more; the rest is.
      (void)read_block(rows.number(0) - first, rows.bytes(1), entries);
    }
    delete_run(run.id);
  }
  const auto merged = merge_entries(std::move(all));
  if (!merged.empty()) write_run(merged, runs.front().level + 1);
}

void AddressIndex::delete_run(std::int64_t id) {
  delete_blocks_.run(block_key(id, 0), block_key(id + 1, 0) - 1);
  delete_run_.run(id);
}

void AddressIndex::drop_before(std::int64_t message) {
  while (true) {
    std::int64_t id = 0;
    if (Rows rows = select_gone_.query(message); rows.next()) id = rows.number(0);
    if (id == 0) return;
    delete_run(id);
  }
}

}  // namespace postrider::store
