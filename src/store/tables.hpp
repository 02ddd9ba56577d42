// Every statement that writes to the spool, prepared once. The writer thread alone uses it.
// The statements keep to what PostgreSQL understands as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "store/backlog.hpp"
#include "store/recipient_id.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

struct MessageRow {
  base::MessageId id;
  std::uint64_t size = 0;
  std::uint32_t chunks = 0;  // 0: the body stands in the row
  std::string_view envelope;
  std::string_view edits;
  std::optional<std::string_view> body;
};

struct RecipientRow {
  RecipientId id;
  std::int64_t state = 0;
  base::UtcTime due{};
  std::string domain;
  std::string record;
};

// All methods throw SqlError.
class Tables {
 public:
  explicit Tables(Database& database);

  // Whether the commit returns only after its sync. What is left unsynced is synced with the next that is.
  enum class Sync : std::uint8_t { now, later };
  void begin(Sync sync);
  void commit();
  void roll_back() noexcept;

  // Makes sure that the next start makes ids above `id`.
  void reserve_id(base::MessageId id);
  base::MessageId id_ceiling() const { return ceiling_; }

  void insert_draft(base::MessageId id);
  // In pieces of Draft::kChunkBytes, numbered from `seq`.
  void insert_chunks(base::MessageId id, std::uint32_t seq, std::string_view data);
  // Throws where the draft's chunks are not `chunks` with `size` bytes in all.
  void check_chunks(base::MessageId id, std::uint32_t chunks, std::uint64_t size);
  // With its chunks, or keeping them for the message that it becomes.
  void drop_draft(base::MessageId id);
  void finish_draft(base::MessageId id);
  // Those that the last run left.
  std::uint64_t drop_all_drafts();

  void insert_message(const MessageRow& row);
  void insert_recipient(const RecipientRow& row);
  // Nothing where it has ended, or is in quarantine.
  std::optional<RecipientRow> recipient(RecipientId id);
  void update_recipient(const RecipientRow& row);  // domain is left as it was
  void update_record(RecipientId id, std::string_view record);
  // The state that it had; nothing: there was none, or it is in quarantine.
  std::optional<std::int64_t> delete_recipient(RecipientId id);
  bool delete_untold(RecipientId id);  // false: there was none in that state
  // Deletes those, with their bodies, of which no recipient is left. Gives the number of those of which none is
  // open: with others in quarantine a message stays, and is counted as well. Ids may come twice.
  std::uint64_t delete_finished(std::vector<base::MessageId> ids);
  bool delete_if_finished(base::MessageId id);

  // Gives its id: above each that was given before. At most kMaxSuspensions at a time, above it throws.
  static constexpr std::int64_t kMaxSuspensions = 10'000;
  std::uint64_t insert_suspension(const Suspension& suspension);
  void delete_suspension(std::uint64_t id);

  Database& database() { return database_; }

 private:
  Database& database_;
  Sync sync_ = Sync::now;
  base::MessageId ceiling_;              // as it is on disk
  base::MessageId uncommitted_ceiling_;  // as the open transaction has it
  Statement begin_, commit_;
  Statement put_meta_;
  Statement insert_draft_, delete_draft_, insert_chunk_, sum_chunks_, delete_chunks_;
  Statement insert_message_, delete_message_;
  Statement insert_recipient_, select_recipient_, update_recipient_, update_record_;
  Statement delete_recipient_, delete_untold_, select_open_;
  Statement number_suspension_, count_suspensions_, insert_suspension_, delete_suspension_;
};

}  // namespace postrider::store
