#include "policy/lookups.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "sys/dns_rdata.hpp"

namespace postrider::policy {
namespace {

namespace dns = sys::dns;

std::string key_of(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return base::lower(name);
}

template <class Answer>
Answer failed(dns::Error error, std::string why) {
  return std::unexpected(dns::Failure{error, false, std::move(why)});
}

}  // namespace

template <class Answer>
const Answer* Lookups::find(QuestionType type, std::string name) {
  const auto [place, is_new] = answers_.try_emplace(Question{type, std::move(name)});
  if (is_new) {
    if (type != QuestionType::ptr && !dns::is_name(place->first.name)) {
      place->second = failed<Answer>(dns::Error::malformed, "not a name");
    } else if (asked_ == kMostQuestions) {
      place->second = failed<Answer>(dns::Error::servfail, "too many questions for one message");
    } else {
      wanted_.emplace_back(place->first);
      ++asked_;
    }
  }
  if (!place->second) return nullptr;
  const Answer& answer = std::get<Answer>(*place->second);
  ttl_ = std::min(ttl_, answer ? answer->ttl : std::chrono::seconds(0));
  return &answer;
}

const AddressAnswer* Lookups::a(std::string_view name) {
  return find<AddressAnswer>(QuestionType::a, key_of(name));
}
const AddressAnswer* Lookups::aaaa(std::string_view name) {
  return find<AddressAnswer>(QuestionType::aaaa, key_of(name));
}
const ExchangeAnswer* Lookups::mx(std::string_view name) {
  return find<ExchangeAnswer>(QuestionType::mx, key_of(name));
}
const TextAnswer* Lookups::ptr(const base::IpAddress& address) {
  return find<TextAnswer>(QuestionType::ptr, address.to_string());
}
const TextAnswer* Lookups::txt(std::string_view name) {
  return find<TextAnswer>(QuestionType::txt, key_of(name));
}

void Lookups::answer(const Question& question, AnyAnswer answer) {
  const auto place = answers_.find(question);
  if (place != answers_.end() && !place->second) place->second = std::move(answer);
}

}  // namespace postrider::policy
