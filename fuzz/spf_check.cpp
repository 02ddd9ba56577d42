// check_host() with a hostile DNS: it ends, within its bounds, and says why.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/spf.hpp"

namespace base = postrider::base;
namespace dns = postrider::sys::dns;
namespace policy = postrider::policy;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// "!n", "!d", "!s", "!t": an error. Else records, with tabs between.
template <class T, class Read>
dns::Result<T> answer(std::string_view line, Read read) {
  if (line.starts_with('!') && line.size() == 2) {
    constexpr std::string_view kErrors = "ndstbm";
    const auto which = std::min(kErrors.find(line[1]), kErrors.size() - 1);
    return std::unexpected(dns::Failure{static_cast<dns::Error>(which), false, {}});
  }
  dns::Answer<T> found;
  while (found.records.size() < 32) {
    const std::size_t tab = std::min(line.find('\t'), line.size());
    found.records.push_back(read(std::string(line.substr(0, tab))));
    if (tab == line.size()) break;
    line.remove_prefix(tab + 1);
  }
  return found;
}

policy::AnyAnswer answer(const policy::Question& question, std::string_view line) {
  const auto as_text = [](std::string text) { return text; };
  switch (question.type) {
    case policy::QuestionType::a:
    case policy::QuestionType::aaaa: {
      const bool v4 = question.type == policy::QuestionType::a;
      return answer<base::IpAddress>(line, [v4](const std::string& text) {
        return base::IpAddress::parse(text).value_or(
            base::IpAddress::parse(v4 ? "192.0.2.1" : "2001:db8::1").value());
      });
    }
    case policy::QuestionType::mx:
      return answer<dns::Mx>(line, [](std::string text) { return dns::Mx{10, std::move(text)}; });
    default:
      return answer<std::string>(line, as_text);
  }
}

}  // namespace

// Lines: client, HELO name, local part, domain; then the answers, over and over.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  policy::SpfRequest request;
  request.client = base::IpAddress::parse(take_line(input)).value_or(base::IpAddress());
  request.helo = take_line(input);
  request.local = take_line(input);
  request.domain = take_line(input);
  request.receiver = "mx.example.net";
  policy::SpfCheck check(std::move(request));
  policy::Lookups lookups;
  std::size_t asked = 0;
  for (std::string_view answers = input; !check.go_on(lookups);) {
    const auto wanted = lookups.take_wanted();
    require(!wanted.empty());
    for (const policy::Question& question : wanted) {
      if (answers.empty()) answers = input;
      lookups.answer(question, answer(question, take_line(answers)));
      ++asked;
    }
  }
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
