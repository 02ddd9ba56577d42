#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "admin/answer.hpp"
#include "app/trace_text.hpp"

namespace postrider::app {
namespace {

using admin::clean_utf8;

bool is_list(store::EventKind kind, std::string_view name) {
  return name == "decision" || (kind == store::EventKind::expanded && name == "to");
}

}  // namespace

std::string event_json(const store::ReadEvent& event) {
  boost::json::object facts;
  for (const auto& [name, value] : event.facts) {
    const std::string key = clean_utf8(name);
    if (!is_list(event.kind, name)) {
      facts[key] = clean_utf8(value);
    } else if (auto* list = facts.if_contains(key)) {
      list->as_array().emplace_back(clean_utf8(value));
    } else {
      facts[key] = boost::json::array{clean_utf8(value)};
    }
  }
  boost::json::object out = {{"id", event.message.to_string()},
                             {"at", base::to_rfc3339(event.at)},
                             {"event", to_string(event.kind)}};
  if (event.recipient) out["recipient"] = *event.recipient;
  if (event.last) out["last"] = true;
  out["facts"] = std::move(facts);
  return boost::json::serialize(out);
}

std::string loss_json(const store::Loss& loss) {
  return boost::json::serialize(boost::json::object{{"at", base::to_rfc3339(loss.noticed)},
                                                    {"event", to_string(store::EventKind::lost)},
                                                    {"since", base::to_rfc3339(loss.after)}});
}

}  // namespace postrider::app
