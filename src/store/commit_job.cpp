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
  CommitJob(State& state, DraftBytes draft, const mail::Envelope& envelope, mail::Edits edits, Done done)
      : state_(state), draft_(std::move(draft)), done_(std::move(done)) {
    envelope_ = encode(envelope);
    edits_ = encode(EditsRecord{std::move(edits), {}});
    recipients_.reserve(envelope.recipients.size());
    for (const mail::Recipient& recipient : envelope.recipients) {
      const auto index = static_cast<std::uint32_t>(recipients_.size());
      recipients_.push_back({.id = {draft_.id, index},
                             .state = static_cast<std::int64_t>(recipient.state),
                             .due = recipient.due,
                             .domain = mail::to_ascii(recipient.final.host()),
                             .record = encode(RecipientRecord{recipient.attempts, recipient.last, {}, {}})});
    }
    bytes_ = draft_.bytes.size() + envelope_.size() + edits_.size() + recipients_.size() * 256;
  }

  void write(Tables& tables) override {
    tables.reserve_id(draft_.id);
    MessageRow row{.id = draft_.id, .size = draft_.size, .envelope = envelope_, .edits = edits_, .body = {}};
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
      ++state_.commits;
      ++state_.messages;
      state_.recipients += recipients_.size();
    } else {
      for (const RecipientRow& recipient : recipients_) state_.claims.forget(recipient.id);
    }
    done_(std::move(result));
  }

  std::size_t bytes() const override { return bytes_; }

 private:
  State& state_;
  DraftBytes draft_;
  Done done_;
  std::string envelope_;
  std::string edits_;
  std::vector<RecipientRow> recipients_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Job> commit_job(State& state, DraftBytes draft, const mail::Envelope& envelope,
                                mail::Edits edits, Done done) {
  return std::make_unique<CommitJob>(state, std::move(draft), envelope, std::move(edits), std::move(done));
}

}  // namespace postrider::store
