// A DNS that a fuzzer's input is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "policy/lookups.hpp"

namespace postrider::policy::testing {

inline std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

// "!n", "!d", "!s", "!t", "!b", "!m": an error. Else records, with tabs between.
template <class T, class Read>
sys::dns::Result<T> hostile_answer(std::string_view line, Read read) {
  if (line.starts_with('!') && line.size() == 2) {
    constexpr std::string_view kErrors = "ndstbm";
    const auto which = std::min(kErrors.find(line[1]), kErrors.size() - 1);
    return std::unexpected(sys::dns::Failure{static_cast<sys::dns::Error>(which), false, {}});
  }
  sys::dns::Answer<T> found;
  do found.records.push_back(read(std::string(take(line, '\t'))));
  while (!line.empty() && found.records.size() < 32);
  return found;
}

inline AnyAnswer hostile_answer(const Question& question, std::string_view line) {
  switch (question.type) {
    case QuestionType::a:
    case QuestionType::aaaa: {
      const bool v4 = question.type == QuestionType::a;
      return hostile_answer<base::IpAddress>(line, [v4](const std::string& text) {
        return base::IpAddress::parse(text).value_or(
            base::IpAddress::parse(v4 ? "192.0.2.1" : "2001:db8::1").value());
      });
    }
    case QuestionType::mx:
      return hostile_answer<sys::dns::Mx>(line,
                                          [](std::string text) { return sys::dns::Mx{10, std::move(text)}; });
    default:
      return hostile_answer<std::string>(line, [](std::string text) { return text; });
  }
}

// Runs the check with the lines of `answers`, over and over; how much it asked. Traps where it waits for nothing.
template <class Check>
std::size_t run_with_hostile_dns(Check& check, const std::string_view answers) {
  Lookups lookups;
  std::size_t asked = 0;
  for (std::string_view left = answers; !check.go_on(lookups);) {
    const auto wanted = lookups.take_wanted();
    if (wanted.empty()) __builtin_trap();
    for (const Question& question : wanted) {
      if (left.empty()) left = answers;
      lookups.answer(question, hostile_answer(question, take(left, '\n')));
      ++asked;
    }
  }
  return asked;
}

}  // namespace postrider::policy::testing
