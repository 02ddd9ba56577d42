#include "store/waiting_index.hpp"

#include <algorithm>

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

bool is_wanted(const ClaimRequest& request, const DueKey& key) {
  const base::UtcTime received = key.id.message.time();
  return received >= request.received_from && received < request.received_before;
}

}  // namespace

WaitingIndex::WaitingIndex(Database& database, State& state)
    : state_(state),
      select_due_(database,
                  "SELECT due, message, idx FROM recipient WHERE state = 1 AND domain = ?1 "
                  "AND (due, message, idx) >= (?2, ?3, ?4) ORDER BY due, message, idx"),
      select_destinations_(database,
                           "SELECT domain, due, message, idx FROM recipient WHERE state = 1 AND domain > ?1 "
                           "ORDER BY domain, due, message, idx") {}

std::optional<base::UtcTime> WaitingIndex::claim(const ClaimRequest& request, std::vector<DueKey>& taken) {
  const auto until = state_.clock.steady() + std::min(request.lease, kLongestLease);
  const Scan scan(state_);
  Walk walk(state_.claims, request.destination);
  std::optional<base::UtcTime> left;
  Rows rows = walk.rows(select_due_);
  while (rows.next()) {
    const DueKey key = key_of(rows, 0);
    const bool at_end = taken.size() >= request.limit || key.due >= request.due_before;
    if (!at_end && is_wanted(request, key)) {
      if (state_.claims.take(request.destination, key, until)) taken.push_back(key);
    } else if (!left && state_.claims.is_free(key.id)) {
      left = key.due;
    }
    if (!left) walk.passed(key);
    if (left && at_end) break;
  }
  return left;
}

std::optional<base::UtcTime> WaitingIndex::first_free(const std::string& destination) {
  Walk walk(state_.claims, destination);
  Rows rows = walk.rows(select_due_);
  while (rows.next()) {
    const DueKey key = key_of(rows, 0);
    if (state_.claims.is_free(key.id)) return key.due;
    walk.passed(key);
  }
  return {};
}

std::vector<DestinationDue> WaitingIndex::destinations(const std::string& after, std::size_t limit) {
  const Scan scan(state_);
  std::vector<DestinationDue> found;
  std::string at = after;
  bool more = true;
  while (more && found.size() < limit) {
    more = false;
    int steps = 0;
    const std::string behind = at;
    Rows rows = select_destinations_.query(std::string_view(behind));
    while (!more && found.size() < limit && rows.next()) {
      if (rows.bytes(0) == at) {
        more = ++steps >= kStepsBeforeASearch;
        continue;
      }
      at = rows.bytes(0);
      steps = 0;
      const DueKey key = key_of(rows, 1);
      const auto due = state_.claims.is_free(key.id) ? key.due : first_free(at);
      if (due) found.push_back({at, *due});
    }
  }
  return found;
}

}  // namespace postrider::store
