// Runs a check on the spot, with a function that is the DNS.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/inquiry.hpp"
#include "policy/lookups.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::policy::testing {

// answer(const Question&) -> AnyAnswer. Gives the questions, in their order.
template <class Check, class Answer>
std::vector<Question> run_check(Check& check, Answer answer) {
  Lookups lookups;
  std::vector<Question> asked;
  while (!check.go_on(lookups)) {
    const auto wanted = lookups.take_wanted();
    if (wanted.empty()) {
      ADD_FAILURE() << "the check waits for nothing";
      return asked;
    }
    for (const Question& question : wanted) {
      lookups.answer(question, answer(question));
      asked.push_back(question);
    }
  }
  return asked;
}

// With the fake resolver as the DNS.
template <class Check>
void run_check(Check& check, sys::fake::Resolver& resolver) {
  const sys::fake::Clock clock;
  bool done = false;
  const auto inquiry = Inquiry::make(resolver, clock, [](auto now) { now(); });
  inquiry->run(
      std::chrono::seconds(20), [&check](Lookups& lookups) { return check.go_on(lookups); },
      [&done] { done = true; });
  EXPECT_TRUE(done);
}

}  // namespace postrider::policy::testing
