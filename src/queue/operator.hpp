// What a postmaster can see of the queue, and do to it. Blocking calls, for threads of admin/ and for tests: each has
// a deadline of 30 s (then 4.3.2), and looks at a bounded number of rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "mail/edit.hpp"
#include "queue/locating.hpp"
#include "store/backlog.hpp"
#include "store/selection.hpp"

namespace postrider::queue {

enum class Change : std::uint8_t {
  retry,    // waiting: due now, and its site is asked again even while it is given up for a while
  hold,     // waits until it is released
  release,  // of what is held: due now; of what has its end (restore --hold): the sender is told of that
  bounce,   // failed: the sender is told (5.7.0, by an operator); of what has its end: as release
  remove,   // gone, nobody is told
};

// Whether a recipient in this state can be changed so.
constexpr bool fits(Change change, mail::RecipientState state) {
  using enum mail::RecipientState;
  switch (change) {
    case Change::retry:
    case Change::hold:
      return state == waiting;
    case Change::release:
      return state == held;
    case Change::bounce:
      return state == waiting || state == held;
    case Change::remove:
      return true;
  }
  return false;
}

struct Changed {
  std::uint64_t changed = 0;
  std::uint64_t unfit = 0;  // not in a state in which this can be done
  std::uint64_t busy = 0;   // under attempt; the change is made after it, unless the attempt ends it
};

// How it stands with a site, or with a destination whose site is not known yet.
struct SiteState {
  std::string name;  // of the site; empty: not known yet
  std::vector<std::string>
      destinations;               // that go there, those with something in memory or given up; at most 100
  std::uint32_t running = 0;      // attempts under way
  std::uint32_t concurrency = 0;  // that are allowed now
  std::uint32_t max_concurrency = 0;
  std::uint32_t max_per_minute = 0;
  std::uint64_t in_memory = 0;                  // recipients that wait in memory
  std::optional<base::UtcTime> given_up_until;  // no attempt before, after several failures in a row
  std::string last_failure;
};

// Why one recipient waits, until when, and behind what.
struct Waiting {
  std::uint32_t recipient = 0;
  std::string why;  // "the site is given up until then: connection refused", "in memory, turn 17 ..."
  std::optional<base::UtcTime> until;  // the earliest time at which something happens
};

struct Shown {
  base::MessageId id;
  mail::Envelope envelope;
  mail::Edits edits;
  std::string header;            // as received, at most 256 KiB
  std::vector<Waiting> waiting;  // of each open recipient
};

class Operator {
 public:
  virtual ~Operator() = default;
  // At most `limit` (1 to 1,000) rows behind `after`. `site` narrows to destinations that go there now.
  virtual base::Result<store::ListedPage> list(const store::Selection& selection,
                                               std::optional<store::RecipientId> after,
                                               std::size_t limit) = 0;
  // 5.1.0-like permanent failure where there is no such message.
  virtual base::Result<Shown> show(base::MessageId id) = 0;
  // Above the ids of all mail that is here, below those of what comes: who changes the queue page by page stops there,
  // or would meet what came meanwhile, and the notifications of its own bounces.
  virtual base::MessageId boundary() = 0;
  // Of exactly these. Many are changed page by page: list, then change.
  virtual base::Result<Changed> change(std::vector<store::RecipientId> recipients, Change change,
                                       const std::string& reason) = 0;
  virtual base::Result<std::uint64_t> suspend(store::Suspension suspension) = 0;
  virtual base::Result<void> resume(std::uint64_t id) = 0;
  virtual base::Result<std::vector<store::Suspension>> suspensions() = 0;
  // Sites with something in memory, under attempt or given up; by name.
  virtual base::Result<std::vector<SiteState>> sites() = 0;
  // Destinations that belong to a site now, by name: those that the scheduler knows, and what else lies on the disk, held
  // or not. Where the site of such a one is not known it is asked for, at most 10,000 of them and 25 s long.
  virtual base::Result<Found> destinations_of(const std::string& site) = 0;
};

}  // namespace postrider::queue
