// What the timeline's thread does to its file: writes batches, and keeps age and size within their bounds.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"
#include "store/address_index.hpp"
#include "store/sqlite.hpp"
#include "store/timeline.hpp"

namespace postrider::store {

// All events of one message in a batch, encoded and in their order.
struct TimelineRow {
  base::MessageId message;
  std::string_view events;
};
struct TimelineBatch {
  std::span<const TimelineRow> rows;      // by message, each once
  std::span<const AddressEntry> entries;  // sorted, each once
  base::UtcTime latest{};                 // of its events
  std::uint64_t bytes = 0;                // of all events
};

// One thread. All methods throw SqlError; then what they were writing is not written.
class TimelineFile {
 public:
  TimelineFile(std::unique_ptr<Database> database, const TimelineOptions& options);

  // The file is in use from now on; notes a crash where it was before.
  void begin(base::UtcTime now);
  void end();

  // In one transaction. Before it, as many of the oldest messages go as it needs room.
  void write(const TimelineBatch& batch);
  // Deletes what is older than Options::keep and gives pages back; looks at 5,000 messages at most. True: there is
  // more to look at.
  bool sweep(base::UtcTime now);

  Database& database() { return *database_; }

 private:
  class Transaction;

  void put_events(const TimelineRow& row);
  void make_room(std::uint64_t bytes);
  bool delete_oldest();
  bool expired(base::MessageId id, std::string_view events, base::UtcTime limit);
  std::uint64_t used_bytes();
  void shrink();

  std::unique_ptr<Database> database_;
  const base::Milliseconds keep_;
  const std::uint64_t max_bytes_;
  std::int64_t swept_ = 0;  // up to this message

  AddressIndex index_;
  Statement begin_, commit_, put_meta_;
  Statement insert_message_, insert_more_;
  Statement page_count_, free_pages_;
  Statement select_nth_, delete_messages_, delete_more_;
  Statement select_aged_, select_more_, delete_message_, delete_more_of_, delete_losses_;
};

}  // namespace postrider::store
