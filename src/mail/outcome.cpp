#include "mail/outcome.hpp"

namespace postrider::mail {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::delivered:
      return "delivered";
    case Action::relayed:
      return "relayed";
    case Action::expanded:
      return "expanded";
    case Action::deferred:
      return "deferred";
    case Action::failed:
      return "failed";
    case Action::discarded:
      return "discarded";
  }
  return "unknown";
}

}  // namespace postrider::mail
