#include <algorithm>
#include <ranges>
#include <set>
#include <tuple>

#include "store/address_index.hpp"
#include "store/database_copy.hpp"
#include "store/job.hpp"
#include "store/timeline.hpp"
#include "store/timeline_codec.hpp"
#include "store/timeline_schema.hpp"

namespace postrider::store {
namespace {

std::int64_t count(base::UtcTime time) { return time.time_since_epoch().count(); }
base::UtcTime time_of(std::int64_t number) { return base::UtcTime(base::Milliseconds(number)); }

// The lowest id of that time; of a time before 1970 or far ahead the nearest that an id can have.
std::int64_t first_id(base::UtcTime time) {
  constexpr std::int64_t kLast = (std::int64_t{1} << 42) - 1;
  return base::MessageId::first(time_of(std::clamp<std::int64_t>(count(time), 0, kLast)), 0).value;
}

// Threads note at the same time: that it was accepted may come behind what was done at once.
std::vector<ReadEvent> in_order(std::vector<ReadEvent> events) {
  std::vector<std::tuple<bool, base::UtcTime, std::size_t>> order;
  for (const ReadEvent& event : events)
    order.emplace_back(event.kind != EventKind::accepted, event.at, order.size());
  std::ranges::sort(order);
  std::vector<ReadEvent> sorted;
  for (const auto& place : order) sorted.push_back(std::move(events[std::get<2>(place)]));
  return sorted;
}

class Snapshot {
 public:
  Snapshot(Statement& begin, Statement& rollback) : rollback_(rollback) { begin.run(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    try {
      rollback_.run();
    } catch (const SqlError&) {
      // SQLite has rolled back by itself.
    }
  }

 private:
  Statement& rollback_;
};

std::unexpected<base::Failure> unreadable(const SqlError& error) {
  return store_failure(std::string("the timeline: ") + error.what());
}

}  // namespace

struct TimelineReader::State {
  explicit State(std::unique_ptr<Database> opened)
      : database(std::move(opened)),
        key(read_hash_key(*database)),
        select_events(*database,
                      "SELECT 0, events FROM message WHERE id = ?1 "
                      "UNION ALL SELECT seq, events FROM more WHERE message = ?1 ORDER BY 1"),
        begin(*database, "BEGIN"),
        rollback(*database, "ROLLBACK"),
        select_runs(*database, "SELECT id, last FROM run WHERE last >= ?1 ORDER BY last DESC"),
        select_block(*database,
                     "SELECT key, entries FROM block WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1"),
        select_known(*database, "SELECT 1 FROM message WHERE id = ?1"),
        select_losses(
            *database,
            "SELECT noticed, after FROM loss WHERE noticed >= ?1 AND after <= ?2 ORDER BY noticed") {}

  // Adds those of one run to `found`, which keeps the `limit` newest.
  void find_in(std::int64_t run, std::int64_t hash, std::int64_t from, std::size_t limit);
  void find(std::int64_t hash, std::int64_t from, std::size_t limit);

  std::unique_ptr<Database> database;
  const HashKey key;
  Statement select_events, begin, rollback, select_runs, select_block, select_known, select_losses;
  std::set<std::int64_t> found;
};

TimelineReader::TimelineReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TimelineReader::~TimelineReader() = default;

base::Result<std::unique_ptr<TimelineReader>> TimelineReader::open(const std::filesystem::path& directory) {
  const auto path = timeline_path(directory);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return base::temporary({4, 3, 0}, "there is no timeline yet", "no file " + path.string());
  try {
    auto database = std::make_unique<Database>(path.string(), nullptr, Database::Access::read_only);
    database->write_nothing_at_close();
    if (auto known = check_timeline_format(*database, path); !known) return std::unexpected(known.error());
    return std::unique_ptr<TimelineReader>(new TimelineReader(std::make_unique<State>(std::move(database))));
  } catch (const SqlError& error) {
    return unreadable(error);
  }
}

base::Result<std::vector<ReadEvent>> TimelineReader::events(base::MessageId message) {
  try {
    std::vector<ReadEvent> events;
    for (Rows rows = state_->select_events.query(message.value); rows.next();) {
      auto some = decode_events(message, rows.bytes(1));
      if (!some) return store_failure("the timeline of " + message.to_string() + " is damaged");
      std::ranges::move(*some, std::back_inserter(events));
    }
    return in_order(std::move(events));
  } catch (const SqlError& error) {
    return unreadable(error);
  }
}

void TimelineReader::State::find_in(std::int64_t run, std::int64_t hash, std::int64_t from,
                                    std::size_t limit) {
  std::vector<AddressEntry> entries;
  {
    Rows rows = select_block.query(block_key(run, 0), block_key(run, hash));
    // Of a damaged block, what stands before the damage.
    if (rows.next()) (void)read_block(rows.number(0) - block_key(run, 0), rows.bytes(1), entries);
  }
  const auto same = std::ranges::equal_range(entries, hash, {}, &AddressEntry::hash);
  for (const AddressEntry& entry : same | std::views::reverse) {
    const std::int64_t id = entry.message.value;
    if (id < from || (found.size() == limit && id <= *found.begin())) return;
    // The index keeps what is gone until all of its run is.
    if (!select_known.query(id).next()) continue;
    found.insert(id);
    if (found.size() > limit) found.erase(found.begin());
  }
}

void TimelineReader::State::find(std::int64_t hash, std::int64_t from, std::size_t limit) {
  // A run's number may be another's in the next moment: all of it from one state of the file.
  const Snapshot snapshot(begin, rollback);
  for (Rows runs = select_runs.query(from); runs.next();) {
    if (found.size() == limit && runs.number(1) < *found.begin()) return;
    find_in(runs.number(0), hash, from, limit);
  }
}

base::Result<std::vector<base::MessageId>> TimelineReader::messages(std::string_view address,
                                                                    base::UtcTime since, std::size_t limit) {
  if (limit == 0) return std::vector<base::MessageId>();
  try {
    state_->found.clear();
    state_->find(address_hash(state_->key, address), first_id(since), limit);
    std::vector<base::MessageId> messages;
    for (const std::int64_t id : state_->found) messages.push_back({id});
    std::ranges::reverse(messages);
    return messages;
  } catch (const SqlError& error) {
    return unreadable(error);
  }
}

base::Result<std::vector<Loss>> TimelineReader::losses(base::UtcTime from, base::UtcTime to) {
  try {
    std::vector<Loss> losses;
    for (Rows rows = state_->select_losses.query(count(from), count(to)); rows.next();)
      losses.push_back({.after = time_of(rows.number(1)), .noticed = time_of(rows.number(0))});
    return losses;
  } catch (const SqlError& error) {
    return unreadable(error);
  }
}

base::Result<void> TimelineReader::backup(const std::filesystem::path& file) {
  return copy_database(*state_->database, file);
}

}  // namespace postrider::store
