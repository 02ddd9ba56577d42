// The jobs that the spool hands to its writer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mail/edit.hpp"
#include "mail/envelope.hpp"
#include "store/job.hpp"
#include "store/quarantine.hpp"
#include "store/spool.hpp"
#include "store/state.hpp"

namespace postrider::store {

// The bytes of a draft, and how many chunks of it were handed over before.
struct DraftBytes {
  base::MessageId id;
  std::uint64_t size = 0;  // of the whole draft
  std::uint32_t chunks = 0;
  std::string bytes;
};

// What becomes mail. The envelope is read before commit_job() returns.
struct Commit {
  DraftBytes draft;
  const mail::Envelope& envelope;
  mail::Edits edits;
  Told told;
};

// How many chunks `bytes` make; none for no bytes.
std::uint32_t chunks_of(std::string_view bytes);

std::unique_ptr<Job> flush_job(DraftBytes draft, Done done);
std::unique_ptr<Job> drop_job(base::MessageId id);
// `state` outlives the writer. The waiting recipients are owned from now on; a failure frees them.
std::unique_ptr<Job> commit_job(State& state, Commit commit, Done done);
// `report` is told of each row that is damaged; it stays owned.
std::unique_ptr<Job> record_job(State& state, std::vector<RecipientUpdate> updates,
                                std::function<void(BadRecord)> report, Done done);
std::unique_ptr<Job> quarantine_job(State& state, BadRecord bad);
std::unique_ptr<Job> suspend_job(Suspension suspension,
                                 std::move_only_function<void(base::Result<std::uint64_t>)> done);
std::unique_ptr<Job> resume_job(std::uint64_t id, Done done);
// Writes nothing, and tells `answer`.
std::unique_ptr<Job> answer_job(base::Result<void> answer, Done done);

}  // namespace postrider::store
