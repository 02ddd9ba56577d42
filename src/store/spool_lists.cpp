#include <algorithm>

#include "store/envelope_record.hpp"
#include "store/job.hpp"
#include "store/recipient_record.hpp"
#include "store/schema.hpp"
#include "store/spool_core.hpp"
#include "store/spool_file_state.hpp"

namespace postrider::store {
namespace {

RecipientId id_of(const Rows& rows) {
  return {base::MessageId{rows.number(0)}, static_cast<std::uint32_t>(rows.number(1))};
}

bool is_known(std::int64_t state) {
  return state >= static_cast<std::int64_t>(mail::RecipientState::waiting) &&
         state <= static_cast<std::int64_t>(mail::RecipientState::untold);
}

// What the row says; what the envelope says comes later.
Listed listed(const Rows& rows) {
  Listed row{.id = id_of(rows),
             .sender = {},
             .original = {},
             .recipient = {},
             .destination = std::string(rows.bytes(4)),
             .last = {}};
  row.due = base::UtcTime(base::Milliseconds(rows.number(3)));
  const std::int64_t state = rows.number(2);
  auto record = decode_recipient(rows.bytes(5));
  row.quarantined = !is_known(state) || !record;
  if (is_known(state)) row.state = static_cast<mail::RecipientState>(state);
  if (record) {
    row.attempts = record->attempts;
    row.last = std::move(record->last);
  }
  return row;
}

}  // namespace

const mail::Envelope* Lister::envelope(base::MessageId id) {
  if (envelope_of_ != id) {
    envelope_of_ = id;
    envelope_.reset();
    Rows rows = state_.select_envelope.query(id.value);
    auto record = rows.next() ? decode_envelope(rows.bytes(0)) : std::nullopt;
    if (record) envelope_ = std::move(record->envelope);
  }
  return envelope_ ? &*envelope_ : nullptr;
}

bool Lister::look_at(const Rows& rows) {
  page_.next = id_of(rows);
  ++looked_;
  if (wanted_.row(rows.number(2), rows.bytes(4))) {
    const mail::Envelope* const from = envelope(page_.next->message);
    const std::uint32_t index = page_.next->index;
    const bool readable = from != nullptr && index < from->recipients.size();
    if (readable ? wanted_.envelope(*from) && wanted_.recipient(from->recipients[index])
                 : !wanted_.needs_envelope()) {
      Listed& row = page_.rows.emplace_back(listed(rows));
      row.quarantined |= !readable;
      if (readable) {
        row.sender = from->reverse_path.to_string();
        row.original = from->recipients[index].original.to_string();
        row.recipient = from->recipients[index].final.to_string();
        row.received = from->received;
        row.size = from->size;
        // What is held until a time is only looked at when it is due: it is not tried before.
        if (from->hold_until) row.due = std::max(row.due, *from->hold_until);
      }
    }
  }
  return page_.rows.size() < limit_ && looked_ < kMostRows;
}

ListedPage Lister::take(Rows& rows) {
  while (rows.next()) {
    if (!look_at(rows)) return std::move(page_);
  }
  page_.next.reset();
  return std::move(page_);
}

ListedPage Lister::walk(RecipientId after) {
  Rows rows = state_.select_all.query(after.message.value, std::int64_t{after.index});
  return take(rows);
}

ListedPage Lister::of_message(base::MessageId id, std::optional<RecipientId> after) {
  if (after && after->message > id) return {};
  const std::int64_t index = after && after->message == id ? std::int64_t{after->index} : -1;
  Rows rows = state_.select_of_message.query(id.value, index);
  return take(rows);
}

std::optional<ListedPage> Lister::waiting(RecipientId after) {
  std::vector<RecipientId> found;
  std::size_t seen = 0;
  for (const std::string& destination : wanted_.destinations()) {
    const std::size_t room = kMostRows - seen + 1;
    for (Rows rows =
             state_.select_waiting.query(std::string_view(destination), static_cast<std::int64_t>(room));
         rows.next(); ++seen) {
      if (id_of(rows) > after) found.push_back(id_of(rows));
    }
    if (seen > kMostRows) return {};
  }
  std::ranges::sort(found);
  for (const RecipientId id : found) {
    Rows rows = state_.select_one.query(id.message.value, std::int64_t{id.index});
    if (rows.next() && !look_at(rows)) return std::move(page_);
  }
  page_.next.reset();
  return std::move(page_);
}

base::Result<ListedPage> SpoolFile::list(const Selection& selection, std::optional<RecipientId> after,
                                         std::size_t limit) {
  const auto wanted = Wanted::make(selection, state_->clock.utc());
  if (!wanted) return std::unexpected(wanted.error());
  Lister lister(*state_, *wanted, std::max<std::size_t>(limit, 1));
  // Ids are above 0, so that this is before all of them.
  const RecipientId from = after.value_or(RecipientId{});
  try {
    if (selection.message) return lister.of_message(*selection.message, after);
    if (wanted->waiting_only() && !wanted->destinations().empty()) {
      if (auto page = lister.waiting(from)) return std::move(*page);
    }
    return lister.walk(from);
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<std::vector<DestinationSample>> SpoolFile::destinations(std::size_t limit) {
  try {
    std::vector<DestinationSample> all;
    // SQLite takes the index from the row that has the least.
    Statement select(*state_->database,
                     "SELECT domain, min(message), idx FROM recipient WHERE state IN (1, 2, 3) "
                     "GROUP BY domain ORDER BY domain LIMIT ?1");
    for (Rows rows = select.query(static_cast<std::int64_t>(limit)); rows.next();)
      all.push_back({std::string(rows.bytes(0)),
                     {base::MessageId{rows.number(1)}, static_cast<std::uint32_t>(rows.number(2))}});
    return all;
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

base::Result<std::vector<DestinationSample>> Spool::destinations(std::size_t limit) {
  auto file = SpoolFile::open(core_->directory, core_->state.clock);
  if (!file) return std::unexpected(file.error());
  return (*file)->destinations(limit);
}

base::Result<std::vector<Claimed>> Spool::find_each(const std::vector<RecipientId>& recipients) {
  auto file = SpoolFile::open(core_->directory, core_->state.clock);
  if (!file) return std::unexpected(file.error());
  std::vector<Claimed> all;
  for (const RecipientId id : recipients) {
    auto found = (*file)->find(id.message);
    // What can't be read is for whoever claims it.
    if (!found || !*found || !std::ranges::binary_search((*found)->recipients, id.index)) continue;
    (*found)->recipients = {id.index};
    all.push_back(std::move(**found));
  }
  return all;
}

base::Result<ListedPage> Spool::list(const Selection& selection, std::optional<RecipientId> after,
                                     std::size_t limit) {
  auto file = SpoolFile::open(core_->directory, core_->state.clock);
  if (!file) return std::unexpected(file.error());
  return (*file)->list(selection, after, limit);
}

base::Result<std::optional<Claimed>> Spool::find(base::MessageId id) {
  auto file = SpoolFile::open(core_->directory, core_->state.clock);
  if (!file) return std::unexpected(file.error());
  return (*file)->find(id);
}

base::MessageId Spool::boundary() { return core_->ids->next(); }

base::Result<void> Spool::backup(const std::filesystem::path& target) {
  auto file = SpoolFile::open(core_->directory, core_->state.clock);
  if (!file) return std::unexpected(file.error());
  return (*file)->backup(target);
}

}  // namespace postrider::store
