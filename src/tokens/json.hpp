// What others' JSON says, read with bounds.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postrider::tokens {

// RFC 4954 6
std::unexpected<base::Failure> refused(std::string why);
// Nothing where it is no object, or deeper than 32.
std::optional<boost::json::object> parse_object(std::string_view json);
// Empty where it is not there, or no string.
std::string text_of(const boost::json::object& object, std::string_view name);

}  // namespace postrider::tokens
