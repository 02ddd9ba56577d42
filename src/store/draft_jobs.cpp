// Jobs of a draft that is not mail yet.
#include "store/jobs.hpp"

namespace postrider::store {
namespace {

class FlushJob final : public Job {
 public:
  FlushJob(DraftBytes draft, Done done) : draft_(std::move(draft)), done_(std::move(done)) {}

  void write(Tables& tables) override {
    tables.reserve_id(draft_.id);
    if (draft_.chunks == 0) tables.insert_draft(draft_.id);
    tables.insert_chunks(draft_.id, draft_.chunks, draft_.bytes);
  }
  void finish(base::Result<void> result) override { done_(std::move(result)); }
  bool needs_sync() const override { return false; }
  std::size_t bytes() const override { return draft_.bytes.size(); }

 private:
  DraftBytes draft_;
  Done done_;
};

class DropJob final : public Job {
 public:
  explicit DropJob(base::MessageId id) : id_(id) {}
  void write(Tables& tables) override { tables.drop_draft(id_); }
  void finish(base::Result<void>) override {}
  bool needs_sync() const override { return false; }
  // The start would drop it too, but a full disk needs the room now.
  bool is_patient() const override { return true; }

 private:
  base::MessageId id_;
};

class AnswerJob final : public Job {
 public:
  AnswerJob(base::Result<void> answer, Done done) : answer_(std::move(answer)), done_(std::move(done)) {}
  void write(Tables&) override {}
  void finish(base::Result<void>) override { done_(std::move(answer_)); }
  bool needs_sync() const override { return false; }

 private:
  base::Result<void> answer_;
  Done done_;
};

}  // namespace

std::uint32_t chunks_of(std::string_view bytes) {
  return static_cast<std::uint32_t>((bytes.size() + Draft::kChunkBytes - 1) / Draft::kChunkBytes);
}

std::unique_ptr<Job> flush_job(DraftBytes draft, Done done) {
  return std::make_unique<FlushJob>(std::move(draft), std::move(done));
}

std::unique_ptr<Job> drop_job(base::MessageId id) { return std::make_unique<DropJob>(id); }

std::unique_ptr<Job> answer_job(base::Result<void> answer, Done done) {
  return std::make_unique<AnswerJob>(std::move(answer), std::move(done));
}

}  // namespace postrider::store
