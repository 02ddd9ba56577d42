#include "store/waiting_index.hpp"

#include <algorithm>

#include "store/recipient_record.hpp"

namespace postrider::store {
namespace {

constexpr base::Milliseconds kLongestLease = std::chrono::days(365);

// So many rows of one destination are stepped over before the next is sought instead: a step costs about a
// tenth of a search, and most destinations have few rows.
constexpr int kStepsBeforeASearch = 16;

DueKey key_of(const Rows& rows, int column) {
  return {base::UtcTime(base::Milliseconds(rows.number(column))),
          {base::MessageId{rows.number(column + 1)}, static_cast<std::uint32_t>(rows.number(column + 2))}};
}

class Scan {
 public:
  explicit Scan(State& state) : claims_(state.claims) { claims_.begin_scan(state.clock.steady()); }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;
  ~Scan() { claims_.end_scan(); }

 private:
  Claims& claims_;
};

// A walk along one destination, which moves its cursor to where it got, however it ends.
class Walk {
 public:
  Walk(Claims& claims, const std::string& destination)
      : claims_(claims), destination_(destination), at_(claims.cursor(destination)) {}
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() { claims_.passed(destination_, at_); }
  // All the way: no row that it came by was left free.
  void passed(const DueKey& key) { at_ = key; }
  Rows rows(Statement& select) const {
    return select.query(std::string_view(destination_), at_.due.time_since_epoch().count(),
                        at_.id.message.value, std::int64_t{at_.id.index});
  }

 private:
  Claims& claims_;
  const std::string& destination_;
  DueKey at_;
};

std::int64_t count(base::UtcTime time) { return time.time_since_epoch().count(); }

}  // namespace

WaitingIndex::WaitingIndex(Database& database, State& state)
    : state_(state),
      select_due_(database,
                  "SELECT due, message, idx FROM recipient WHERE state = 1 AND domain = ?1 "
                  "AND (due, message, idx) >= (?2, ?3, ?4) ORDER BY due, message, idx"),
      select_destinations_(database,
                           "SELECT domain, due, message, idx FROM recipient WHERE state = 1 AND domain > ?1 "
                           "AND due >= ?2 ORDER BY domain, due, message, idx"),
      select_one_(database,
                  "SELECT due, message, idx, domain FROM recipient "
                  "WHERE message = ?1 AND idx = ?2 AND state = 1"),
      select_aged_(database,
                   "SELECT message, idx, domain, record FROM recipient WHERE state = 1 "
                   "AND (message, idx) > (?1, ?2) ORDER BY message, idx") {}

std::optional<base::UtcTime> WaitingIndex::claim(const ClaimRequest& request, std::vector<DueKey>& taken) {
  const Scan scan(state_);
  if (!request.only.empty()) {
    claim_only(request, taken);
    return {};
  }
  if (request.due_from != base::UtcTime::min()) return claim_from(request, taken);
  const auto until = state_.clock.steady() + std::min(request.lease, kLongestLease);
  Walk walk(state_.claims, request.destination);
  std::optional<base::UtcTime> left;
  Rows rows = walk.rows(select_due_);
  while (!left && rows.next()) {
    const DueKey key = key_of(rows, 0);
    if (taken.size() < request.limit && key.due < request.due_before) {
      if (state_.claims.take(request.destination, key, until)) taken.push_back(key);
    } else if (state_.claims.is_free(key.id)) {
      left = key.due;
    }
    if (!left) walk.passed(key);
  }
  return left;
}

void WaitingIndex::claim_only(const ClaimRequest& request, std::vector<DueKey>& taken) {
  const auto until = state_.clock.steady() + std::min(request.lease, kLongestLease);
  for (const RecipientId id : request.only) {
    Rows rows = select_one_.query(id.message.value, std::int64_t{id.index});
    if (!rows.next()) continue;
    const DueKey key = key_of(rows, 0);
    if (state_.claims.take(rows.bytes(3), key, until)) taken.push_back(key);
  }
}

// From the middle of the destination, so that its cursor stays where it is.
std::optional<base::UtcTime> WaitingIndex::claim_from(const ClaimRequest& request,
                                                      std::vector<DueKey>& taken) {
  const auto until = state_.clock.steady() + std::min(request.lease, kLongestLease);
  Rows rows = select_due_.query(std::string_view(request.destination), count(request.due_from),
                                std::int64_t{0}, std::int64_t{0});
  while (rows.next()) {
    const DueKey key = key_of(rows, 0);
    if (taken.size() >= request.limit || key.due >= request.due_before) {
      if (state_.claims.is_free(key.id)) return key.due;
    } else if (state_.claims.take(request.destination, key, until)) {
      taken.push_back(key);
    }
  }
  return {};
}

std::optional<base::UtcTime> WaitingIndex::first_free(const std::string& destination, base::UtcTime from) {
  Walk walk(state_.claims, destination);
  Rows rows = walk.rows(select_due_);
  while (rows.next()) {
    const DueKey key = key_of(rows, 0);
    if (!state_.claims.is_free(key.id)) {
      walk.passed(key);
    } else if (key.due >= from) {
      return key.due;
    } else {
      break;  // what is later is for a claim to find
    }
  }
  return {};
}

std::vector<DestinationDue> WaitingIndex::destinations(const DestinationsRequest& request) {
  const Scan scan(state_);
  std::vector<DestinationDue> found;
  std::string at = request.after;
  bool more = true;
  while (more && found.size() < request.limit) {
    more = false;
    int steps = 0;
    const std::string behind = at;
    Rows rows = select_destinations_.query(std::string_view(behind), count(request.due_from));
    while (!more && found.size() < request.limit && rows.next()) {
      if (rows.bytes(0) == at) {
        more = ++steps >= kStepsBeforeASearch;
        continue;
      }
      at = rows.bytes(0);
      steps = 0;
      const DueKey key = key_of(rows, 1);
      const bool is_free = state_.claims.is_free(key.id);
      const auto due = is_free ? key.due : first_free(at, request.due_from);
      if (due) found.push_back({at, *due});
    }
  }
  return found;
}

AgedPage WaitingIndex::aged(const AgedRequest& request) {
  AgedPage page;
  Rows rows = select_aged_.query(request.after.message.value, std::int64_t{request.after.index});
  while (rows.next()) {
    const RecipientId id{base::MessageId{rows.number(0)}, static_cast<std::uint32_t>(rows.number(1))};
    page.more = page.rows.size() >= request.limit;
    if (page.more) break;
    if (id.message.time() >= request.before) {
      page.next = id.message.time();
      break;
    }
    const auto record = decode_recipient(rows.bytes(3));
    if (record) page.rows.push_back({id, std::string(rows.bytes(2)), record->warned, record->back_by});
  }
  return page;
}

}  // namespace postrider::store
