#include "store/loader.hpp"

#include "store/envelope_record.hpp"
#include "store/recipient_record.hpp"
#include "store/schema.hpp"

namespace postrider::store {
namespace {

constexpr const char* kUnreadable = "not a record that this version can read";

// One state of the file for several statements.
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

bool is_known(std::int64_t state) {
  return state >= static_cast<std::int64_t>(mail::RecipientState::waiting) &&
         state <= static_cast<std::int64_t>(mail::RecipientState::untold);
}

}  // namespace

Loader::Loader(Database& database, std::function<void(BadRecord)> report)
    : report_(std::move(report)),
      begin_(database, "BEGIN"),
      rollback_(database, "ROLLBACK"),
      select_envelope_(database, "SELECT envelope FROM message WHERE id = ?1"),
      select_recipients_(database,
                         "SELECT idx, state, due, record FROM recipient WHERE message = ?1 ORDER BY idx") {}

std::optional<Loader::Loaded> Loader::load(base::MessageId id) {
  const Snapshot snapshot(begin_, rollback_);
  auto envelope = load_envelope(id);
  if (!envelope) return {};
  Loaded loaded{.envelope = std::move(*envelope), .present = {}};
  load_recipients(id, loaded);
  return loaded;
}

std::optional<mail::Envelope> Loader::load_envelope(base::MessageId id) {
  std::string why = kUnreadable;
  try {
    Rows rows = select_envelope_.query(id.value);
    if (rows.next()) {
      if (auto record = decode_envelope(rows.bytes(0))) return std::move(record->envelope);
    } else {
      why = "missing";
    }
  } catch (const SqlError& error) {
    if (!error.is_damage()) throw;
    why = error.what();
  }
  report_({.what = BadRecord::What::envelope, .id = {id, 0}, .why = why});
  return {};
}

void Loader::load_recipients(base::MessageId id, Loaded& loaded) {
  Rows rows = select_recipients_.query(id.value);
  while (rows.next()) {
    const auto index = static_cast<std::uint32_t>(rows.number(0));
    const std::int64_t state = rows.number(1);
    if (state == kQuarantined) continue;
    auto record = decode_recipient(rows.bytes(3));
    if (!record || index >= loaded.envelope.recipients.size() || !is_known(state)) {
      report_({.what = BadRecord::What::recipient, .id = {id, index}, .why = kUnreadable});
      continue;
    }
    mail::Recipient& recipient = loaded.envelope.recipients[index];
    recipient.state = static_cast<mail::RecipientState>(state);
    recipient.due = base::UtcTime(base::Milliseconds(rows.number(2)));
    recipient.attempts = record->attempts;
    recipient.warned = record->warned;
    recipient.last = std::move(record->last);
    loaded.present.push_back(index);
  }
}

}  // namespace postrider::store
