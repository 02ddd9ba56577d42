#include "wire/smtp/path.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace postrider::wire::smtp {
namespace {

std::string refusal(const mail::Reply& reply) {
  return std::to_string(reply.code) + ' ' + reply.enhanced.value().to_string();
}

std::string sender(std::string_view path) {
  const auto parsed = parse_reverse_path(path);
  return parsed ? '<' + parsed->to_string() + '>' : refusal(parsed.error());
}

std::string recipient(std::string_view path) {
  const auto parsed = parse_forward_path(path);
  if (!parsed) return refusal(parsed.error());
  if (std::holds_alternative<mail::Postmaster>(*parsed)) return "postmaster of this host";
  return std::get<mail::Address>(*parsed).to_string();
}

TEST(Path, IsSplitFromItsParameters) {
  const auto check = [](std::string_view argument, std::string_view path, std::string_view rest) {
    const auto split = split_path(argument);
    ASSERT_TRUE(split) << argument;
    EXPECT_EQ(split->path, path);
    EXPECT_EQ(split->rest, rest);
  };
  check("<a@b>", "<a@b>", "");
  check(" <a@b> \t SIZE=1 BODY=7BIT ", "<a@b>", "SIZE=1 BODY=7BIT");
  check("<\"a> b\\\"\"@c> X", "<\"a> b\\\"\"@c>", "X");
  check("a@b SIZE=1", "a@b", "SIZE=1");
  check("\"a b\"@c SIZE=1", "\"a b\"@c", "SIZE=1");
  check("<>", "<>", "");
}

TEST(Path, WithoutAnEndIsRefused) {
  for (const auto* bad : {"<a@b", "<", "<\"a>@b", "<a@b>SIZE=1", "<a@b>>"}) {
    const auto split = split_path(bad);
    ASSERT_FALSE(split) << bad;
    EXPECT_EQ(refusal(split.error()), "501 5.5.2") << bad;
  }
}

TEST(Path, OfTheNullSenderIsForMailOnly) {
  EXPECT_TRUE(parse_reverse_path("<>").value().is_null());
  EXPECT_EQ(recipient("<>"), "501 5.1.3");
  EXPECT_EQ(sender("< >"), "501 5.1.7");
}

TEST(Path, OfPostmasterNeedsNoDomainAtRcpt) {
  for (const auto* path : {"<postmaster>", "<Postmaster>", "POSTMASTER"})
    EXPECT_EQ(recipient(path), "postmaster of this host");
  EXPECT_EQ(recipient("<postmaster@b.c>"), "postmaster@b.c");
  EXPECT_EQ(recipient("<postmaste>"), "501 5.1.3");
  EXPECT_EQ(sender("<postmaster>"), "501 5.1.7");
}

TEST(Path, DropsASourceRoute) {
  EXPECT_EQ(recipient("<@a,@b.example:user@c>"), "user@c");
  EXPECT_EQ(sender("<@a:user@c>"), "<user@c>");
  EXPECT_EQ(recipient("<@a:\"x:y\"@c>"), "\"x:y\"@c");
  for (const auto* bad :
       {"<@a>", "<@a,b:u@c>", "<@a:>", "<@a u@c>", "<@a;@b:u@c>", "<@a:postmaster>", "<@a@b>"})
    EXPECT_EQ(recipient(bad).substr(0, 3), "501") << bad;
  for (const auto* bad : {"<@a,@:u@c>", "<@-:u@c>", "<@[1.2.3.4]:u@c>", "<@a,,@b:u@c>", "<@:u@c>"})
    EXPECT_EQ(recipient(bad).substr(0, 3), "501") << bad;
}

TEST(Path, MayLackItsBrackets) {
  EXPECT_EQ(sender("a@b.c"), "<a@b.c>");
  EXPECT_EQ(recipient("a@[192.0.2.1]"), "a@[192.0.2.1]");
  EXPECT_EQ(sender("a@b>"), "501 5.1.8");
}

TEST(Path, IsRefusedWithTheCodeOfItsSide) {
  EXPECT_EQ(sender("<pepe>"), "501 5.1.7");
  EXPECT_EQ(recipient("<pepe>"), "501 5.1.3");
  EXPECT_EQ(sender("<a@xn--->"), "501 5.1.8");
  EXPECT_EQ(recipient("<a@xn--->"), "501 5.1.2");
  EXPECT_EQ(sender('<' + std::string(159, 'a') + "@b>"), "501 5.1.7");
  EXPECT_EQ(recipient('<' + std::string(159, 'a') + "@b>"), "501 5.1.3");
}

TEST(Path, TakesNoMoreThan256Octets) {
  const std::string route = "<@" + std::string(60, 'r') + ",@" + std::string(60, 's') + ",@" +
                            std::string(60, 't') + ",@" + std::string(60, 'u') +
                            ':';  // 2 + 3 * 62 + 60 + 1 = 249
  ASSERT_EQ(route.size(), 249u);
  EXPECT_EQ(recipient(route + "u@bcd" + '>'), "u@bcd");  // 255
  EXPECT_EQ(recipient(route + "u@bcde" + '>'), "u@bcde");
  EXPECT_EQ(recipient(route + "u@bcdef" + '>'), "501 5.1.3");
}

}  // namespace
}  // namespace postrider::wire::smtp
