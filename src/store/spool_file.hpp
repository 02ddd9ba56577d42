// A spool's file as people look at it: lists, one message, a copy. Reads beside a server that writes, and reads the
// spool of one that is stopped.
//
// Thread rule: one thread at a time; blocking. No transaction stays open between calls, so that the server's WAL
// can be emptied.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "mail/edit.hpp"
#include "store/backlog.hpp"
#include "store/selection.hpp"
#include "sys/clock.hpp"

namespace postrider::store {

std::filesystem::path spool_path(const std::filesystem::path& directory);

class Database;
struct SpoolFileState;

struct SpoolCounts {
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;  // of any state
  bool operator==(const SpoolCounts&) const = default;
};
// Throws SqlError.
SpoolCounts count_spool(Database& database);

class SpoolFile {
 public:
  // Failure: permanent, where there is no spool, or one of a newer format. The clock outlives it.
  static base::Result<std::unique_ptr<SpoolFile>> open(const std::filesystem::path& directory,
                                                       const sys::Clock& clock);
  ~SpoolFile();

  // At most `limit` (and at least 1) behind `after`; looks at 20,000 rows at most. Failure: permanent, of a pattern
  // that is none; else temporary. What can't be read is listed as if in quarantine.
  base::Result<ListedPage> list(const Selection& selection, std::optional<RecipientId> after,
                                std::size_t limit);
  // Of all recipients that wait, are held or untold; by name, at most `limit`. Looks at every row: a million take a second
  // or two.
  base::Result<std::vector<DestinationSample>> destinations(std::size_t limit);
  // As Spool::find.
  base::Result<std::optional<Claimed>> find(base::MessageId id);
  base::Result<mail::Edits> edits(base::MessageId id);
  // The header section as received, without the empty line; at most 256 KiB.
  base::Result<std::string> header(base::MessageId id);
  // The message as received, piece by piece; false from `sink` ends it. One transaction lasts as long as that takes, so
  // `sink` must not wait. Failure: temporary, also where the message is gone or damaged, of which `sink` may have had a part.
  base::Result<void> read(base::MessageId id, const std::function<bool(std::string_view)>& sink);
  // See database_copy.hpp.
  base::Result<void> backup(const std::filesystem::path& file);
  base::Result<SpoolCounts> count();
  std::int64_t format() const;

 private:
  explicit SpoolFile(std::unique_ptr<SpoolFileState> state);
  std::unique_ptr<SpoolFileState> state_;
};

}  // namespace postrider::store
