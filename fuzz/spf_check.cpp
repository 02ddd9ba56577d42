// check_host() with a hostile DNS: it ends, within its bounds, and says why.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/spf.hpp"
#include "policy/testing/hostile_dns.hpp"

namespace base = postrider::base;
namespace policy = postrider::policy;
using policy::testing::take;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

}  // namespace

// Lines: client, HELO name, local part, domain; then the answers, over and over.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  policy::SpfRequest request;
  request.client = base::IpAddress::parse(take(input, '\n')).value_or(base::IpAddress());
  request.helo = take(input, '\n');
  request.local = take(input, '\n');
  request.domain = take(input, '\n');
  request.receiver = "mx.example.net";
  policy::SpfCheck check(std::move(request));
  const std::size_t asked = policy::testing::run_with_hostile_dns(check, input);
  // The record, ten terms with ten exchanges each, the client's names, and the explanation.
  require(asked <= 1 + 10 * 11 + 11 + 1);
  const policy::SpfFinding& finding = check.finding();
  require(!finding.reason.empty() && finding.trace.size() <= 50 && finding.explanation.size() <= 500);
  const auto printable = [](const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  };
  require(printable(finding.explanation) && printable(finding.mechanism) && printable(finding.domain));
  require(printable(finding.reason));
  require(std::ranges::all_of(finding.trace, [&](const policy::SpfStep& step) {
    return printable(step.text) && printable(step.domain) && step.text.size() <= 2000 && step.depth <= 10;
  }));
  require(finding.explanation.empty() || finding.result == policy::SpfResult::fail);
  return 0;
}
