// Asks couriers which of many destinations belong to a site now: for a postmaster, beside what the strand asks for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "queue/courier.hpp"

namespace postrider::queue {

// One destination, and who takes its mail now.
struct Whereto {
  std::string name;
  Courier* courier = nullptr;  // outlives the questions
  Destination destination;
};

struct LocateBounds {
  std::size_t at_a_time = 200;  // the resolver has 500 in all
  base::Milliseconds deadline = std::chrono::seconds(25);
};

struct Found {
  std::vector<std::string> names;  // that lead to the site
  std::uint64_t not_told = 0;      // had no answer in time, or could not be located for now
};

// Blocking, until all are told or the deadline is over; answers that come later are dropped. Any thread but the couriers'.
Found locate_all(const std::vector<Whereto>& all, const std::string& site, LocateBounds bounds = {});

}  // namespace postrider::queue
