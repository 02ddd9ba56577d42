// The mail that waits, as the scheduler sees it: found by destination, claimed, recorded. Spool is one; the
// simulation of the queue has another, in memory.
//
// Thread rule: every method from any thread. Completions come on a thread of the store's (or of a fake's), exactly
// once, and must not block: they post home.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"
#include "store/recipient_id.hpp"

namespace postrider::store {

using Done = std::move_only_function<void(base::Result<void>)>;

// A message with the recipients of it that the caller now owns.
struct Claimed {
  base::MessageId id;
  // `recipients` has all that are open or were, by index. What was recorded of one that has its end is gone
  // with it: it is there as it was received, and not in the list below.
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<std::uint32_t> recipients;  // the ones that were claimed
};

// What is to be written of a recipient. One that has its end already, or is in quarantine, is left as it is; but an
// untold one goes where `state` is nothing.
struct RecipientUpdate {
  RecipientId id;
  // Where it stands from now on; nothing: it has its end and goes, and the message with its last one.
  std::optional<mail::RecipientState> state = mail::RecipientState::waiting;
  base::UtcTime due{};                        // next attempt, where it is waiting
  std::optional<mail::Outcome> outcome = {};  // nothing: the last one stays
  bool attempted = true;                      // one attempt more
};

// A destination is what stands behind the @ of final addresses: mail::to_ascii(host).
struct DestinationDue {
  std::string destination;
  base::UtcTime due{};  // the earliest of its waiting recipients that nobody owns
};

struct DestinationsRequest {
  std::string after = {};  // by name; "" begins
  std::size_t limit = 0;
  base::UtcTime due_from = base::UtcTime::min();  // only what is due then or later counts
};

struct ClaimRequest {
  std::string owner;
  std::string destination = {};
  base::UtcTime due_before = base::UtcTime::max();
  std::size_t limit = 0;       // recipients
  base::Milliseconds lease{};  // by the steady clock
  // Only what is due then or later.
  base::UtcTime due_from = base::UtcTime::min();
  // Not empty: exactly those of these that wait and are owned by nobody, of whatever destination and due time.
  std::vector<RecipientId> only = {};
};

struct ClaimedPage {
  std::vector<Claimed> messages;  // by the due time of their first recipient, oldest first
  // The earliest due time (from due_from on) of a waiting recipient of this destination that nobody owns now. Not
  // after a claim of `only`.
  std::optional<base::UtcTime> next_due;
};

// Recipients by their age: by the time in the id of their message, which is that of the start of its data.
struct AgedRequest {
  RecipientId after;  // behind it
  base::UtcTime before = base::UtcTime::max();
  std::size_t limit = 0;
};
struct Aged {
  RecipientId id;
  std::string destination;
  bool warned = false;
  std::optional<base::UtcTime> back_by = {};  // it is to go back to its sender then: RFC 2852, mode R
};
struct AgedPage {
  std::vector<Aged> rows;  // by id
  bool more = false;       // the limit ended it
  // Otherwise of the first behind it: when it came.
  std::optional<base::UtcTime> next;
};

// An operator's wish that something is not tried for a while.
struct Suspension {
  enum class What : std::uint8_t { all = 1, destination = 2, site = 3, sender = 4 };
  std::uint64_t id = 0;  // 0: not stored yet
  What what = What::all;
  std::string
      pattern;  // destination: a domain, ".example.net" for its subdomains; site: its name; sender: an
                // address or a domain, "" for the null sender; all: empty
  std::optional<base::UtcTime> until;  // nothing: until it is resumed
  std::string reason;
  base::UtcTime made{};
  bool operator==(const Suspension&) const = default;
};

class Backlog {
 public:
  virtual ~Backlog() = default;

  // One summary for each destination with waiting recipients that nobody owns, by name. A start asks for all of them:
  // 1,000,000 recipients take less than two seconds.
  virtual void destinations(
      DestinationsRequest request,
      std::move_only_function<void(base::Result<std::vector<DestinationDue>>)> done) = 0;

  // Recipients of one destination that wait, are due before `due_before`, and are owned by nobody: oldest due
  // first, at most `limit`. They are the owner's until recorded, or until the lease ends. Costs what it yields,
  // not what waits. A message whose record can't be read is moved to quarantine instead. Owners live in memory: a
  // restart frees all.
  virtual void claim(ClaimRequest request, std::move_only_function<void(base::Result<ClaimedPage>)> done) = 0;
  // Gives claimed recipients back untouched.
  virtual void unclaim(std::vector<RecipientId> recipients) = 0;

  // What waits, oldest first, owned or not. A row that can't be read is passed over.
  virtual void aged(AgedRequest request, std::move_only_function<void(base::Result<AgedPage>)> done) = 0;

  // Writes all of it in one synced transaction with all else that waits; `done` after the sync. Those that still
  // wait are owned by nobody from then on. After a failure nothing is written and the caller owns them still. One
  // whose row is damaged is moved to quarantine, and holds up nothing else.
  virtual void record(std::vector<RecipientUpdate> updates, Done done) = 0;

  // Messages with recipients in state `untold`, by id, behind `after`; Claimed::recipients are those. At most
  // `limit` messages. Nobody owns them: one notifier works at a time.
  virtual void untold(base::MessageId after, std::size_t limit,
                      std::move_only_function<void(base::Result<std::vector<Claimed>>)> done) = 0;

  // Durable. suspend() gives the id. resume() of an id that is gone succeeds.
  virtual void suspend(Suspension suspension,
                       std::move_only_function<void(base::Result<std::uint64_t>)> done) = 0;
  virtual void resume(std::uint64_t id, Done done) = 0;
  // All of them, also those whose time is over (whoever sees one resumes it).
  virtual void suspensions(std::move_only_function<void(base::Result<std::vector<Suspension>>)> done) = 0;
};

}  // namespace postrider::store
