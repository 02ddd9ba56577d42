// The job that writes outcomes.
#include <algorithm>

#include "store/jobs.hpp"
#include "store/recipient_record.hpp"

namespace postrider::store {
namespace {

bool is_final(mail::Action action) {
  return action == mail::Action::delivered || action == mail::Action::relayed ||
         action == mail::Action::expanded || action == mail::Action::discarded;
}

class RecordJob final : public Job {
 public:
  RecordJob(State& state, std::vector<RecipientUpdate> updates, Done done)
      : state_(state), updates_(std::move(updates)), done_(std::move(done)) {
    for (const RecipientUpdate& update : updates_)
      bytes_ += sizeof(update) + update.outcome.reply.text.size() + update.outcome.detail.size();
  }

  void write(Tables& tables) override {
    ended_ = 0;
    finished_ = 0;
    unreadable_.clear();
    std::vector<base::MessageId> touched;
    for (const RecipientUpdate& update : updates_) {
      if (!is_final(update.outcome.action)) {
        rewrite(tables, update);
      } else if (tables.delete_recipient(update.id)) {
        ++ended_;
        touched.push_back(update.id.message);
      }
    }
    std::ranges::sort(touched);
    const auto repeated = std::ranges::unique(touched);
    touched.erase(repeated.begin(), repeated.end());
    for (const base::MessageId id : touched) finished_ += tables.delete_finished(id);
  }

  void finish(base::Result<void> result) override {
    if (result) {
      state_.recipients -= ended_;
      state_.messages -= finished_;
      for (const RecipientUpdate& update : updates_) free(update);
    }
    done_(std::move(result));
  }

  std::size_t bytes() const override { return bytes_; }

 private:
  void rewrite(Tables& tables, const RecipientUpdate& update) {
    const auto stored = tables.recipient_record(update.id);
    if (!stored) return;
    auto record = decode_recipient(*stored);
    if (!record) {
      // The next claim moves it aside; what we know now would hide that.
      unreadable_.push_back(update.id);
      return;
    }
    // To be held is no attempt.
    if (update.state != mail::RecipientState::held) ++record->attempts;
    record->last = update.outcome;
    record->last_unknown.clear();
    tables.update_recipient({.id = update.id,
                             .state = static_cast<std::int64_t>(update.state),
                             .due = update.due,
                             .domain = {},
                             .record = encode(*record)});
  }

  void free(const RecipientUpdate& update) {
    if (std::ranges::find(unreadable_, update.id) != unreadable_.end()) {
      state_.claims.release(update.id);
    } else if (is_final(update.outcome.action) || update.state != mail::RecipientState::waiting) {
      state_.claims.forget(update.id);
    } else {
      state_.claims.rescheduled({update.due, update.id});
    }
  }

  State& state_;
  const std::vector<RecipientUpdate> updates_;
  Done done_;
  std::size_t bytes_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t finished_ = 0;
  std::vector<RecipientId> unreadable_;
};

}  // namespace

std::unique_ptr<Job> record_job(State& state, std::vector<RecipientUpdate> updates, Done done) {
  return std::make_unique<RecordJob>(state, std::move(updates), std::move(done));
}

}  // namespace postrider::store
