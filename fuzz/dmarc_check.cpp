// DMARC with a hostile DNS: it ends, within its bounds, and what it finds is no contradiction.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/dmarc.hpp"

namespace dns = postrider::sys::dns;
namespace policy = postrider::policy;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

std::vector<std::string> list(std::string_view line) {
  std::vector<std::string> out;
  while (!line.empty()) out.emplace_back(take(line, ','));
  return out;
}

// "!n", "!d", "!s", "!t": an error. Else records, with tabs between.
policy::AnyAnswer answer(const policy::Question& question, std::string_view line) {
  std::unexpected<dns::Failure> failure(dns::Failure{});
  const bool failed = line.starts_with('!') && line.size() == 2;
  if (failed) {
    constexpr std::string_view kErrors = "ndstbm";
    failure.error().error = static_cast<dns::Error>(std::min(kErrors.find(line[1]), kErrors.size() - 1));
  }
  if (question.type == policy::QuestionType::a)
    return failed ? policy::AddressAnswer(failure) : policy::AddressAnswer({{{}}, {}, false});
  if (failed) return policy::TextAnswer(failure);
  dns::Answer<std::string> found;
  do found.records.emplace_back(take(line, '\t'));
  while (!line.empty());
  return policy::TextAnswer(found);
}

}  // namespace

// Lines: domains in From, SPF's domain, DKIM's domains; then the answers, over and over.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  policy::DmarcCheck check(list(take(input, '\n')));
  policy::DmarcIdentifiers identifiers;
  const std::string_view spf = take(input, '\n');
  if (!spf.empty()) identifiers.spf = spf;
  identifiers.dkim = list(take(input, '\n'));
  check.identify(std::move(identifiers));
  policy::Lookups lookups;
  std::size_t asked = 0;
  for (std::string_view answers = input; !check.go_on(lookups);) {
    const auto wanted = lookups.take_wanted();
    require(!wanted.empty());
    for (const policy::Question& question : wanted) {
      if (answers.empty()) answers = input;
      lookups.answer(question, answer(question, take(answers, '\n')));
      ++asked;
    }
  }
  // A walk of 8 names for each author, for SPF and for ten signatures, and whether an author exists.
  require(asked <= 4 * (8 + 1) + 11 * 8);
  const policy::DmarcFinding& finding = check.finding();
  const bool aligned = !finding.spf_aligned.empty() || !finding.dkim_aligned.empty();
  require(!finding.reason.empty());
  require(aligned == (finding.result == policy::DmarcResult::pass));
  require(finding.disposition <= finding.policy);
  require(finding.disposition == postrider::wire::dmarc::Policy::none ||
          finding.result == policy::DmarcResult::fail);
  require(finding.result != policy::DmarcResult::fail || finding.record);
  require(std::ranges::all_of(finding.trace, [](const policy::DmarcStep& step) {
    return std::ranges::all_of(step.name + step.outcome, [](char c) { return c >= ' ' && c <= '~'; });
  }));
  return 0;
}
