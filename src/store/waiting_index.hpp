// The index of the waiting recipients, walked for those that nobody owns. The scanner's thread alone uses it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/backlog.hpp"
#include "store/sqlite.hpp"
#include "store/state.hpp"

namespace postrider::store {

// All methods throw SqlError.
class WaitingIndex {
 public:
  // `database` and `state` outlive it.
  WaitingIndex(Database& database, State& state);

  // Appends to `taken` what is the owner's from then on, by due time, also before it throws. Gives the earliest due
  // time that is left.
  std::optional<base::UtcTime> claim(const ClaimRequest& request, std::vector<DueKey>& taken);
  std::vector<DestinationDue> destinations(const DestinationsRequest& request);
  AgedPage aged(const AgedRequest& request);

 private:
  void claim_only(const ClaimRequest& request, std::vector<DueKey>& taken);
  std::optional<base::UtcTime> claim_from(const ClaimRequest& request, std::vector<DueKey>& taken);
  std::optional<base::UtcTime> first_free(const std::string& destination, base::UtcTime from);

  State& state_;
  Statement select_due_, select_destinations_, select_one_, select_aged_;
};

}  // namespace postrider::store
