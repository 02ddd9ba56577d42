#include "store/job.hpp"

namespace postrider::store {

std::unexpected<base::Failure> storage_full(std::string log) {
  return base::temporary({4, 3, 1}, "Insufficient system storage", std::move(log));
}

std::unexpected<base::Failure> store_failure(std::string log) {
  return base::temporary({4, 3, 0}, "Local error in processing", std::move(log));
}

}  // namespace postrider::store
