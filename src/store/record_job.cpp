// The job that writes what became of recipients.
#include "store/jobs.hpp"
#include "store/recipient_record.hpp"

namespace postrider::store {
namespace {

class RecordJob final : public Job {
 public:
  RecordJob(State& state, std::vector<RecipientUpdate> updates, Done done)
      : state_(state), updates_(std::move(updates)), done_(std::move(done)) {
    for (const RecipientUpdate& update : updates_) {
      bytes_ += sizeof(update);
      if (update.outcome) bytes_ += update.outcome->reply.text.size() + update.outcome->detail.size();
    }
  }

  void write(Tables& tables) override {
    ended_ = 0;
    waiting_.clear();
    unreadable_.clear();
    not_waiting_.clear();
    std::vector<base::MessageId> touched;
    for (const RecipientUpdate& update : updates_) {
      if (update.state) {
        rewrite(tables, update);
        continue;
      }
      not_waiting_.push_back(update.id);
      if (!tables.delete_recipient(update.id)) continue;
      ++ended_;
      touched.push_back(update.id.message);
    }
    finished_ = tables.delete_finished(std::move(touched));
  }

  void finish(base::Result<void> result) override {
    if (result) {
      state_.recipients -= ended_;
      state_.messages -= finished_;
      for (const RecipientId id : not_waiting_) state_.claims.forget(id);
      for (const RecipientId id : unreadable_) state_.claims.release(id);
      for (const auto& [destination, key] : waiting_) state_.claims.rescheduled(destination, key);
    }
    done_(std::move(result));
  }

  bool needs_sync() const override { return !updates_.empty(); }
  std::size_t bytes() const override { return bytes_; }

 private:
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
    row->state = static_cast<std::int64_t>(*update.state);
    row->record = encode(*record);
    if (*update.state == mail::RecipientState::waiting) {
      row->due = update.due;
      waiting_.emplace_back(row->domain, DueKey{row->due, row->id});
    } else {
      not_waiting_.push_back(update.id);
    }
    tables.update_recipient(*row);
  }

  State& state_;
  const std::vector<RecipientUpdate> updates_;
  Done done_;
  std::size_t bytes_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t finished_ = 0;
  // What the claims are to know, when it is on the disk.
  std::vector<std::pair<std::string, DueKey>> waiting_;
  std::vector<RecipientId> unreadable_;
  std::vector<RecipientId> not_waiting_;
};

}  // namespace

std::unique_ptr<Job> record_job(State& state, std::vector<RecipientUpdate> updates, Done done) {
  return std::make_unique<RecordJob>(state, std::move(updates), std::move(done));
}

}  // namespace postrider::store
