#include "policy/dkim_keys.hpp"

namespace postrider::policy {
namespace {

using wire::dkim::KeyAnswer;

KeyAnswer answer_of(const TextAnswer& answer) {
  if (answer) return {KeyAnswer::Kind::found, answer->records, {}};
  const auto error = answer.error().error;
  // RFC 6376 6.1.2
  if (sys::dns::is_temporary(error)) return {KeyAnswer::Kind::unavailable, {}, std::string(to_string(error))};
  return {};
}

}  // namespace

bool DkimKeys::go_on(Lookups& lookups) {
  bool all = true;
  for (auto& [name, answer] : answers_) {
    if (answer) continue;
    if (const TextAnswer* said = lookups.txt(name)) {
      answer = answer_of(*said);
    } else {
      all = false;
    }
  }
  return all;
}

const KeyAnswer& DkimKeys::of(const std::string& name) const {
  static const KeyAnswer kNone{KeyAnswer::Kind::unavailable, {}, "no answer"};
  const auto asked = answers_.find(name);
  return asked == answers_.end() || !asked->second ? kNone : *asked->second;
}

}  // namespace postrider::policy
