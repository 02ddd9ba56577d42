// The connection and the statements of a SpoolFile.
#pragma once

#include <memory>
#include <set>

#include "store/loader.hpp"
#include "store/spool_file.hpp"
#include "store/sqlite.hpp"
#include "store/wanted.hpp"

namespace postrider::store {

struct SpoolFileState {
  SpoolFileState(std::unique_ptr<Database> opened, const sys::Clock& its_clock);

  std::unique_ptr<Database> database;
  const sys::Clock& clock;
  Loader loader;
  std::int64_t format;
  Statement select_all, select_of_message, select_one, select_waiting;
  Statement select_envelope, select_edits, select_body, select_chunks;
};

// One call of list().
class Lister {
 public:
  static constexpr std::size_t kMostRows = 20'000;
  Lister(SpoolFileState& state, const Wanted& wanted, std::size_t limit)
      : state_(state), wanted_(wanted), limit_(limit) {}

  // Throw SqlError.
  ListedPage walk(RecipientId after);
  ListedPage of_message(base::MessageId id, std::optional<RecipientId> after);
  // Along the index by destination; nothing where too many wait there.
  std::optional<ListedPage> waiting(RecipientId after);

 private:
  // False: it is full.
  bool look_at(const Rows& rows);
  ListedPage take(Rows& rows);
  const mail::Envelope* envelope(base::MessageId id);

  SpoolFileState& state_;
  const Wanted& wanted_;
  const std::size_t limit_;
  std::size_t looked_ = 0;
  ListedPage page_;
  // The message looked at last, for its next recipient.
  base::MessageId envelope_of_;
  std::optional<mail::Envelope> envelope_;
};

}  // namespace postrider::store
