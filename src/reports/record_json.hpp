// Records and policies of reports as JSON: how the database keeps them, and what --json prints.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "wire/dmarc_report/feedback.hpp"

namespace postrider::reports {

// Without its count: equal records have equal text.
std::string to_text(const wire::dmarc_report::Record& record);
std::string to_text(const wire::dmarc_report::Published& published);
boost::json::object to_json(const wire::dmarc_report::Record& record);
boost::json::object to_json(const wire::dmarc_report::Published& published);

// Nothing for what to_text() has not written. The count is 0.
std::optional<wire::dmarc_report::Record> record_of(std::string_view text);
std::optional<wire::dmarc_report::Published> published_of(std::string_view text);

}  // namespace postrider::reports
