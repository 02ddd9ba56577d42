// The job that writes what became of recipients.
#include <algorithm>
#include <map>
#include <utility>

#include "store/jobs.hpp"
#include "store/recipient_record.hpp"
#include "sys/log.hpp"

namespace postrider::store {
namespace {

class RecordJob final : public Job {
 public:
  RecordJob(State& state, std::vector<RecipientUpdate> updates, std::function<void(BadRecord)> report,
            Done done)
      : state_(state), updates_(std::move(updates)), report_(std::move(report)), done_(std::move(done)) {
    for (const RecipientUpdate& update : updates_) {
      bytes_ += sizeof(update);
      if (update.outcome) bytes_ += update.outcome->reply.text.size() + update.outcome->detail.size();
    }
  }

  void write(Tables& tables) override {
    change_ = {};
    waiting_.clear();
    unreadable_.clear();
    not_waiting_.clear();
    touched_.clear();
    for (const RecipientUpdate& update : updates_) guard(update.id, damaged_, [&] { apply(tables, update); });
    std::ranges::sort(touched_);
    const auto repeated = std::ranges::unique(touched_);
    touched_.erase(repeated.begin(), repeated.end());
    finished_ = 0;
    for (const base::MessageId id : touched_)
      guard({id, 0}, left_, [&] { finished_ += tables.delete_if_finished(id); });
  }

  void finish(base::Result<void> result) override {
    if (result) {
      state_.recipients.add(change_);
      state_.messages -= finished_;
      for (const base::MessageId id : touched_) state_.fresh.forget(id);
      for (const RecipientId id : not_waiting_) state_.claims.forget(id);
      for (const RecipientId id : unreadable_) state_.claims.release(id);
      for (const auto& [id, why] : damaged_)
        report_({.what = BadRecord::What::recipient, .id = id, .why = why});
      for (const auto& [id, why] : left_)
        sys::log::error("message_not_removed", {{"id", id.message.to_string()}, {"why", why}});
      for (const auto& [destination, key] : waiting_) state_.claims.rescheduled(destination, key);
    }
    done_(std::move(result));
  }

  bool does_without(const SqlError&) override { return std::exchange(one_less_, false); }
  bool needs_sync() const override { return !updates_.empty(); }
  bool can_wait() const override { return true; }
  std::size_t bytes() const override { return bytes_; }

 private:
  // A row on a damaged page holds up nobody else's. The transaction with it is lost (SQLite can't undo a part of it that met
  // damage), and the next is without it.
  template <class Write>
  void guard(RecipientId id, std::map<RecipientId, std::string>& damaged, Write write) {
    if (damaged.contains(id)) return;
    try {
      write();
    } catch (const SqlError& error) {
      if (error.is_damage()) {
        damaged.emplace(id, error.what());
        one_less_ = true;
      }
      throw;
    }
  }

  void apply(Tables& tables, const RecipientUpdate& update) {
    if (update.state) return rewrite(tables, update);
    const auto was = tables.delete_recipient(update.id);
    not_waiting_.push_back(update.id);
    if (!was) return;
    --change_[place_of(*was)];
    touched_.push_back(update.id.message);
  }

  void rewrite(Tables& tables, const RecipientUpdate& update) {
    auto row = tables.recipient(update.id);
    // An untold one has its end: whoever comes late with another must not bring it back.
    if (!row || row->state == static_cast<std::int64_t>(mail::RecipientState::untold)) {
      not_waiting_.push_back(update.id);
      return;
    }
    auto record = decode_recipient(row->record);
    if (!record) {
      // The next claim moves it aside; what we know now would hide that.
      unreadable_.push_back(update.id);
      return;
    }
    if (update.attempted) ++record->attempts;
    if (update.outcome) {
      record->last = update.outcome;
      record->last_unknown.clear();
    }
    --change_[place_of(row->state)];
    row->state = static_cast<std::int64_t>(*update.state);
    ++change_[place_of(row->state)];
    row->record = encode(*record);
    const bool waits = *update.state == mail::RecipientState::waiting;
    if (waits) row->due = update.due;
    tables.update_recipient(*row);
    if (waits)
      waiting_.emplace_back(row->domain, DueKey{row->due, row->id});
    else
      not_waiting_.push_back(update.id);
  }

  State& state_;
  const std::vector<RecipientUpdate> updates_;
  const std::function<void(BadRecord)> report_;
  Done done_;
  std::size_t bytes_ = 0;
  ByState change_{};
  std::uint64_t finished_ = 0;
  // What the claims are to know, when it is on the disk.
  std::vector<std::pair<std::string, DueKey>> waiting_;
  std::vector<RecipientId> unreadable_;
  std::vector<RecipientId> not_waiting_;
  std::vector<base::MessageId> touched_;
  // What could not be written, and why.
  std::map<RecipientId, std::string> damaged_;
  std::map<RecipientId, std::string> left_;  // messages without recipients whose bytes can't be removed
  bool one_less_ = false;
};

}  // namespace

std::unique_ptr<Job> record_job(State& state, std::vector<RecipientUpdate> updates,
                                std::function<void(BadRecord)> report, Done done) {
  return std::make_unique<RecordJob>(state, std::move(updates), std::move(report), std::move(done));
}

}  // namespace postrider::store
