// The records of our keys in the DNS.
#include <future>

#include "app/dkim_tools.hpp"

namespace postrider::app {
namespace {

using wire::dkim::KeyAnswer;

constexpr std::size_t kMostString = 255;
constexpr base::Milliseconds kPatience = std::chrono::seconds(10);

KeyAnswer answer_of(const sys::dns::Result<std::string>& said) {
  if (said) return {KeyAnswer::Kind::found, said->records, {}};
  if (sys::dns::is_temporary(said.error().error))
    return {KeyAnswer::Kind::unavailable, {}, std::string(to_string(said.error().error))};
  return {};
}

}  // namespace

std::string record_name(const mail::Domain& domain, std::string_view selector) {
  return std::string(selector) + "._domainkey." + domain.ascii();
}

std::string record_text(const wire::dkim::PrivateKey& key) {
  return wire::dkim::write_key_record(key.type(), key.public_octets());
}

std::string zone_line(std::string_view name, std::string_view text) {
  std::string line = std::string(name) + ". IN TXT";
  for (std::size_t at = 0; at < text.size(); at += kMostString)
    line += " \"" + std::string(text.substr(at, kMostString)) + '"';
  return line;
}

std::string_view to_string(InDns::State state) {
  static constexpr std::string_view kNames[] = {"right", "missing", "other", "unknown"};
  return kNames[static_cast<std::size_t>(state)];
}

InDns judge_record(const KeyAnswer& answer, const wire::dkim::PrivateKey& key) {
  using State = InDns::State;
  if (answer.kind == KeyAnswer::Kind::absent) return {State::missing, "the DNS has no such record"};
  if (answer.kind == KeyAnswer::Kind::unavailable)
    return {State::unknown, "the DNS does not say: " + answer.trouble};
  const auto chosen = wire::dkim::choose_key(key.algorithm(), answer);
  if (!chosen) return {State::other, "the DNS has a record that does not serve: " + chosen.error().why};
  if (chosen->record.public_key != key.public_octets())
    return {State::other, "the DNS has another key there"};
  if (chosen->record.testing) return {State::right, "right, but t=y says that it is only a test"};
  return {State::right, "right"};
}

DkimDns::DkimDns(const config::Config& config) {
  auto made = sys::make_unbound_resolver({config.dns.servers, config.dns.trust_anchors});
  if (!made) throw Stop{kRefused, made.error()};
  resolver_ = std::move(*made);
}

std::vector<InDns> DkimDns::ask(const std::vector<KnownKey>& keys) {
  std::vector<std::future<KeyAnswer>> answers;
  for (const auto& each : keys) {
    const auto promise = std::make_shared<std::promise<KeyAnswer>>();
    answers.push_back(promise->get_future());
    resolver_->txt(record_name(each.domain, each.listed.selector), kPatience,
                   [promise](const auto& said) { promise->set_value(answer_of(said)); });
  }
  std::vector<InDns> found;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const KeyAnswer answer = answers[i].get();
    if (keys[i].key)
      found.push_back(judge_record(answer, *keys[i].key));
    else
      found.push_back({InDns::State::unknown, "nobody knows, as the key can't be read"});
  }
  return found;
}

}  // namespace postrider::app
