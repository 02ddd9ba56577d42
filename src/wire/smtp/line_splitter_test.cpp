#include "wire/smtp/line_splitter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace postrider::wire::smtp {
namespace {

using namespace std::string_view_literals;

void expect(std::string_view buffer, LineResult result, std::string_view text, std::size_t consumed) {
  const auto line = next_line(buffer, 10);
  EXPECT_EQ(line.result, result) << testing::PrintToString(buffer);
  EXPECT_EQ(line.text, text) << testing::PrintToString(buffer);
  EXPECT_EQ(line.consumed, consumed) << testing::PrintToString(buffer);
}

TEST(LineSplitter, FindsTheFirstLine) {
  expect("NOOP\r\nQUIT\r\n", LineResult::line, "NOOP", 6);
  expect("\r\n", LineResult::line, "", 2);
}

TEST(LineSplitter, WaitsForTheWholeLine) {
  expect("", LineResult::need_more, "", 0);
  expect("NOOP", LineResult::need_more, "", 0);
  expect("NOOP\r", LineResult::need_more, "", 0);
}

TEST(LineSplitter, TellsABareLf) {
  expect("NOOP\nQUIT\r\n", LineResult::bare_lf, "NOOP", 5);
  expect("\n", LineResult::bare_lf, "", 1);
}

TEST(LineSplitter, TellsABareCrAndANul) {
  expect("NO\rOP\r\n", LineResult::bad_octet, "NO\rOP", 7);
  expect("NOOP\r\r\n", LineResult::bad_octet, "NOOP\r", 7);
  expect("NO\0OP\r\n"sv, LineResult::bad_octet, "NO\0OP"sv, 7);
}

TEST(LineSplitter, CountsTheLimitWithCrlf) {
  expect("12345678\r\n", LineResult::line, "12345678", 10);
  expect("123456789\r\nQUIT\r\n", LineResult::too_long, "", 11);
  expect("123456789", LineResult::need_more, "", 0);
  expect("1234567890", LineResult::too_long, "", 10);
}

}  // namespace
}  // namespace postrider::wire::smtp
