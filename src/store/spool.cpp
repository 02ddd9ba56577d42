#include "store/spool.hpp"

#include <chrono>
#include <thread>

#include "store/files.hpp"
#include "store/spool_core.hpp"

namespace postrider::store {

namespace {

// On a full disk the index of the WAL is made anew in the room of the old one, which the file system gives back a moment
// after it was freed: see settle_file_system().
constexpr int kTries = 10;
constexpr std::chrono::milliseconds kBetweenTries(200);

}  // namespace

base::Result<std::unique_ptr<Spool>> Spool::open(SpoolOptions options, sys::Clock& clock) {
  for (int left = kTries;; std::this_thread::sleep_for(kBetweenTries)) {
    try {
      auto core = SpoolCore::open(options, clock);
      if (!core) return std::unexpected(std::move(core.error()));
      return std::unique_ptr<Spool>(new Spool(std::move(*core)));
    } catch (const SqlError& error) {
      if (error.fault() != Fault::full)
        return base::permanent({5, 3, 5}, "the mail store can't be opened", error.what());
      if (--left == 0) return storage_full(error.what());
      settle_file_system(options.directory);
    }
  }
}

Spool::Spool(std::shared_ptr<SpoolCore> core) : core_(std::move(core)) {}

Spool::~Spool() { core_->close(); }

base::Result<Draft> Spool::open_draft() {
  if (auto accepts = core_->accepts(0); !accepts) return std::unexpected(std::move(accepts.error()));
  return Draft(core_, core_->ids->next());
}

base::Result<void> Spool::has_space(std::uint64_t bytes) const { return core_->accepts(bytes); }

void Spool::flush(Draft& draft, Done done) {
  if (core_->is_overloaded())
    return core_->post(answer_job(storage_full("the writer is busy"), std::move(done)));
  if (draft.chunk_.empty()) return core_->post(answer_job({}, std::move(done)));
  DraftBytes bytes{draft.id_, draft.size_, draft.chunks_written_, std::exchange(draft.chunk_, {})};
  draft.chunks_written_ += chunks_of(bytes.bytes);
  core_->post(flush_job(std::move(bytes), std::move(done)));
}

void Spool::commit(Draft draft, mail::Envelope envelope, mail::Edits edits, std::string, Told told,
                   Done done) {
  if (core_->is_overloaded())
    return core_->post(answer_job(storage_full("the writer is busy"), std::move(done)));
  if (envelope.recipients.empty())
    return core_->post(answer_job(store_failure("a message without recipients"), std::move(done)));
  SpoolCore* core = core_.get();  // outlives every job
  DraftBytes bytes{draft.id_, draft.size_, draft.chunks_written_, std::move(draft.chunk_)};
  draft.core_.reset();
  --core->state.drafts;
  auto then = [core, id = bytes.id, chunks = bytes.chunks, done = std::move(done)](auto result) mutable {
    if (!result && chunks > 0) core->post(drop_job(id));
    done(std::move(result));
  };
  core->post(commit_job(core->state, {std::move(bytes), envelope, std::move(edits), std::move(told)},
                        std::move(then)));
}

void Spool::destinations(DestinationsRequest request,
                         std::move_only_function<void(base::Result<std::vector<DestinationDue>>)> done) {
  core_->scanner->destinations(std::move(request), std::move(done));
}

void Spool::claim(ClaimRequest request, std::move_only_function<void(base::Result<ClaimedPage>)> done) {
  core_->scanner->claim(std::move(request), std::move(done));
}

void Spool::unclaim(std::vector<RecipientId> recipients) {
  for (const RecipientId id : recipients) core_->state.claims.release(id);
}

void Spool::aged(AgedRequest request, std::move_only_function<void(base::Result<AgedPage>)> done) {
  core_->scanner->aged(request, std::move(done));
}

void Spool::record(std::vector<RecipientUpdate> updates, Done done) {
  core_->post(record_job(
      core_->state, std::move(updates), [core = core_.get()](BadRecord bad) { core->report(std::move(bad)); },
      std::move(done)));
}

void Spool::untold(base::MessageId after, std::size_t limit,
                   std::move_only_function<void(base::Result<std::vector<Claimed>>)> done) {
  core_->scanner->untold(after, limit, std::move(done));
}

void Spool::suspend(Suspension suspension, std::move_only_function<void(base::Result<std::uint64_t>)> done) {
  core_->post(suspend_job(std::move(suspension), std::move(done)));
}

void Spool::resume(std::uint64_t id, Done done) { core_->post(resume_job(id, std::move(done))); }

void Spool::suspensions(std::move_only_function<void(base::Result<std::vector<Suspension>>)> done) {
  core_->scanner->suspensions(std::move(done));
}

base::Result<mail::Edits> Spool::edits(base::MessageId id) { return core_->edits(id); }

std::shared_ptr<const FreshMessage> Spool::fresh(base::MessageId id) const {
  return core_->state.fresh.find(id);
}

MessageReader Spool::read(base::MessageId id) { return MessageReader(core_, id); }

void Spool::maintain(std::function<void()> done) { core_->writer->maintain(std::move(done)); }

SpoolStatistics Spool::statistics() const {
  const State& state = core_->state;
  return {.messages = state.messages,
          .recipients = state.recipients.total(),
          .held = state.recipients.in(mail::RecipientState::held),
          .untold = state.recipients.in(mail::RecipientState::untold),
          .quarantined = state.quarantined,
          .transactions = core_->writer->transactions(),
          .commits = state.commits};
}

std::string Spool::describe() const { return core_->description; }

}  // namespace postrider::store
