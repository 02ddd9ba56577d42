#include "policy/dmarc_walk.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::policy {
namespace {

namespace dmarc = wire::dmarc;

constexpr std::size_t kLongestOutcome = 2000;

std::size_t count_labels(std::string_view domain) {
  return static_cast<std::size_t>(std::ranges::count(domain, '.')) + 1;
}

std::string_view parent(std::string_view domain) {
  const std::size_t dot = domain.find('.');
  return dot == domain.npos ? std::string_view() : domain.substr(dot + 1);
}

// The name in `domain` that has one label more than `suffix`, which is a part of it.
std::string_view one_below(std::string_view domain, std::string_view suffix) {
  while (parent(domain).size() > suffix.size()) domain = parent(domain);
  return domain;
}

}  // namespace

std::string dmarc_name(std::string_view domain) { return "_dmarc." + std::string(domain); }

DmarcRecordAt dmarc_record_at(std::string_view domain, Lookups& lookups) {
  using enum DmarcRecordAt::State;
  const TextAnswer* answer = lookups.txt(dmarc_name(domain));
  if (!answer) return {};
  if (!*answer) {
    const sys::dns::Error error = answer->error().error;
    return {.state = is_void(*answer) ? none : trouble,
            .outcome = std::string(to_string(error)),
            .nxdomain = error == sys::dns::Error::nxdomain};
  }
  DmarcRecordAt at{.state = none, .outcome = "no DMARC record"};
  for (const std::string& text : (*answer)->records) {
    auto record = dmarc::parse_record(text);
    if (!record) continue;
    if (at.record) return {.state = none, .outcome = "more than one DMARC record: none counts"};
    at = {.state = found,
          .record = std::move(record),
          .outcome = base::printable(std::string_view(text).substr(0, kLongestOutcome))};
  }
  return at;
}

// RFC 9989 4.10, steps 3, 4 and 7
std::vector<std::string> dmarc_targets(std::string_view domain) {
  constexpr std::size_t kMostLabels = 7;
  std::vector<std::string> targets;
  while (!domain.empty()) {
    targets.emplace_back(domain);
    do domain = parent(domain);
    while (!domain.empty() && count_labels(domain) > kMostLabels);
  }
  return targets;
}

DmarcWalk dmarc_walk(std::string_view domain, Lookups& lookups) {
  using State = DmarcRecordAt::State;
  const std::vector<std::string> targets = dmarc_targets(domain);
  for (const std::string& target : targets) lookups.txt(dmarc_name(target));
  DmarcWalk walk{.organization = std::string(domain)};
  for (const std::string& target : targets) {
    DmarcRecordAt at = dmarc_record_at(target, lookups);
    if (at.state == State::pending) return {.pending = true};
    if (at.state == State::trouble) return {.trouble = dmarc_name(target) + ": " + at.outcome};
    if (at.state == State::none) continue;
    const bool above = target.size() < domain.size();
    if (at.record->psd == dmarc::Psd::yes && above) {
      const std::string_view below = one_below(domain, target);
      if (walk.record_domain == below) return walk;  // it has a record of its own
      walk.organization = below;
    } else {
      walk.organization = target;
    }
    const bool ends = at.record->psd != dmarc::Psd::unknown;
    walk.record = std::move(at.record);
    walk.record_domain = target;
    if (ends) break;
  }
  return walk;
}

}  // namespace postrider::policy
