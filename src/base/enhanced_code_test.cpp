#include "base/enhanced_code.hpp"

#include <gtest/gtest.h>

#include <array>

namespace postrider::base {
namespace {

TEST(EnhancedCode, ReadsWhatItWrites) {
  const EnhancedCode code{5, 1, 999};
  EXPECT_EQ(code.to_string(), "5.1.999");
  EXPECT_EQ(EnhancedCode::parse("5.1.999"), code);
  EXPECT_EQ(EnhancedCode::parse("2.0.0"), (EnhancedCode{2, 0, 0}));
  EXPECT_EQ(EnhancedCode::parse("4.4.1"), (EnhancedCode{4, 4, 1}));
}

TEST(EnhancedCode, RefusesWhatIsNotExactlyACode) {
  constexpr std::array<std::string_view, 14> kBad = {"",       "5",        "5.1",    "5.1.",  "5.1.1.1",
                                                     "5.1.1 ", " 5.1.1",   "3.1.1",  "1.0.0", "5..1",
                                                     "5.01.1", "5.1.1000", "5.+1.1", "5.1.x"};
  for (const auto bad : kBad) EXPECT_FALSE(EnhancedCode::parse(bad)) << bad;
}

}  // namespace
}  // namespace postrider::base
