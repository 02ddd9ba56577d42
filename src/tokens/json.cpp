#include "tokens/json.hpp"

#include <boost/json/parse.hpp>

namespace postrider::tokens {

std::unexpected<base::Failure> refused(std::string why) {
  return base::permanent({5, 7, 8}, "authentication credentials invalid", std::move(why));
}

std::optional<boost::json::object> parse_object(std::string_view json) {
  boost::system::error_code error;
  // By itself the parser bears 32 levels.
  auto value = boost::json::parse({json.data(), json.size()}, error);
  if (error || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace postrider::tokens
