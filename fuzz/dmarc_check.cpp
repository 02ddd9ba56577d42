// DMARC with a hostile DNS: it ends, within its bounds, and what it finds is no contradiction.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/dmarc.hpp"
#include "policy/testing/hostile_dns.hpp"

namespace policy = postrider::policy;
using policy::testing::take;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::vector<std::string> list(std::string_view line) {
  std::vector<std::string> out;
  while (!line.empty()) out.emplace_back(take(line, ','));
  return out;
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
  const std::size_t asked = policy::testing::run_with_hostile_dns(check, input);
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
