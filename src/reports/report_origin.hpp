// Who is proven to have sent a report. Pure.
#pragma once

#include <string_view>

#include "mail/domain.hpp"
#include "reports/report_store.hpp"

namespace postrider::reports {

// By the topmost Authentication-Results of `hostname` in a message as it is delivered here: the border takes away those that
// others wrote in that name, and adds its own to what it has checked. RFC 8601 5
Origin origin_of(std::string_view message, const mail::Domain& hostname);

}  // namespace postrider::reports
