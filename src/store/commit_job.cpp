// The job that makes a draft mail.
#include "store/edits_record.hpp"
#include "store/envelope_record.hpp"
#include "store/jobs.hpp"
#include "store/recipient_record.hpp"

namespace postrider::store {
namespace {

// Encoded on the caller's thread, so that the writer only copies.
class CommitJob final : public Job {
 public:
  CommitJob(State& state, Commit commit, Done done)
      : state_(state),
        draft_(std::move(commit.draft)),
        told_(std::move(commit.told)),
        done_(std::move(done)),
        envelope_(encode(commit.envelope)),
        edits_(std::move(commit.edits)),
        edits_record_(encode(EditsRecord{edits_, {}})) {
    recipients_.reserve(commit.envelope.recipients.size());
    std::optional<base::UtcTime> back_by;
    if (!commit.envelope.deliver_by_notify) back_by = commit.envelope.deliver_by;
    for (const mail::Recipient& recipient : commit.envelope.recipients) add(recipient, back_by);
    bytes_ = draft_.bytes.size() + envelope_.size() + edits_record_.size() + recipients_.size() * 256 +
             (told_.ended.size() + told_.warned.size()) * sizeof(RecipientId);
  }

  void write(Tables& tables) override {
    write_told(tables);
    // An operator was quicker: a report of what is gone would tell what is not so.
    if (!told_.ended.empty() && ended_ == 0) throw SqlError("there is nothing left to tell of");
    tables.reserve_id(draft_.id);
    MessageRow row{
        .id = draft_.id, .size = draft_.size, .envelope = envelope_, .edits = edits_record_, .body = {}};
    if (draft_.chunks == 0 && draft_.bytes.size() <= Draft::kChunkBytes) {
      row.body = draft_.bytes;
    } else {
      tables.insert_chunks(draft_.id, draft_.chunks, draft_.bytes);
      row.chunks = draft_.chunks + chunks_of(draft_.bytes);
      tables.check_chunks(draft_.id, row.chunks, draft_.size);
      if (draft_.chunks > 0) tables.finish_draft(draft_.id);
    }
    tables.insert_message(row);
    for (const RecipientRow& recipient : recipients_) tables.insert_recipient(recipient);
  }

  void finish(base::Result<void> result) override {
    state_.draft_bytes -= draft_.size;
    if (result) {
      if (draft_.chunks == 0 && waits_)
        state_.fresh.put(draft_.id, std::move(draft_.bytes), std::move(edits_));
      ++state_.commits;
      ++state_.messages;
      ByState change{};
      for (const RecipientRow& recipient : recipients_) ++change[place_of(recipient.state)];
      change[place_of(static_cast<std::int64_t>(mail::RecipientState::untold))] -= ended_;
      state_.recipients.add(change);
      state_.messages -= finished_;
    } else {
      for (const RecipientRow& recipient : recipients_) state_.claims.forget(recipient.id);
    }
    done_(std::move(result));
  }

  std::size_t bytes() const override { return bytes_; }

 private:
  void add(const mail::Recipient& recipient, std::optional<base::UtcTime> back_by) {
    const RecipientId id{draft_.id, static_cast<std::uint32_t>(recipients_.size())};
    recipients_.push_back({.id = id,
                           .state = static_cast<std::int64_t>(recipient.state),
                           .due = recipient.due,
                           .domain = mail::to_ascii(recipient.final.host()),
                           .record = encode(RecipientRecord{.attempts = recipient.attempts,
                                                            .warned = recipient.warned,
                                                            .last = recipient.last,
                                                            .back_by = back_by,
                                                            .unknown = {},
                                                            .last_unknown = {}})});
    if (recipient.state != mail::RecipientState::waiting) return;
    waits_ = true;
    state_.claims.own(recipients_.back().domain, {recipient.due, id});
  }

  void write_told(Tables& tables) {
    ended_ = 0;
    std::vector<base::MessageId> touched;
    for (const RecipientId id : told_.ended) {
      if (!tables.delete_untold(id)) continue;
      ++ended_;
      touched.push_back(id.message);
    }
    finished_ = tables.delete_finished(std::move(touched));
    for (const RecipientId id : told_.warned) {
      const auto row = tables.recipient(id);
      auto record = row ? decode_recipient(row->record) : std::nullopt;
      // One that can't be read is moved aside by the next claim.
      if (!record) continue;
      record->warned = true;
      tables.update_record(id, encode(*record));
    }
  }

  State& state_;
  DraftBytes draft_;
  const Told told_;
  Done done_;
  const std::string envelope_;
  mail::Edits edits_;
  const std::string edits_record_;
  std::vector<RecipientRow> recipients_;
  bool waits_ = false;  // one of them: its delivery is next
  std::size_t bytes_ = 0;
  std::int64_t ended_ = 0;
  std::uint64_t finished_ = 0;
};

}  // namespace

std::unique_ptr<Job> commit_job(State& state, Commit commit, Done done) {
  return std::make_unique<CommitJob>(state, std::move(commit), std::move(done));
}

}  // namespace postrider::store
