#include "wire/spf/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::wire::spf {
namespace {

using ::testing::HasSubstr;

Mechanism only(std::string_view term) {
  const auto record = parse_record("v=spf1 " + std::string(term));
  EXPECT_TRUE(record) << term << ": " << (record ? "" : record.error().what);
  return record && record->mechanisms.size() == 1 ? record->mechanisms.front() : Mechanism{};
}

std::string fault(std::string_view term) {
  const auto record = parse_record("v=spf1 " + std::string(term));
  return record ? "" : record.error().what;
}

TEST(SpfRecord, IsToldByItsVersion) {
  for (const char* txt : {"v=spf1", "V=SPF1 -all", "v=spf1 "}) EXPECT_TRUE(is_record(txt)) << txt;
  for (const char* txt : {"", "v=spf", "v=spf10", "v=spf1-all", " v=spf1 -all", "spf2.0/pra", "v=spf1\t-all"})
    EXPECT_FALSE(is_record(txt)) << txt;
}

TEST(SpfRecord, HasMechanismsInTheirOrder) {
  const auto record =
      parse_record("v=spf1 +mx  A:mail.example.com/24//64 ?exists:%{i}.example.com ~all ").value();
  ASSERT_EQ(record.mechanisms.size(), 4u);
  EXPECT_EQ(record.mechanisms[0].kind, MechanismKind::mx);
  EXPECT_EQ(record.mechanisms[0].qualifier, Qualifier::pass);
  EXPECT_FALSE(record.mechanisms[0].domain);
  EXPECT_EQ(record.mechanisms[1].kind, MechanismKind::a);
  EXPECT_EQ(record.mechanisms[1].prefix4, 24);
  EXPECT_EQ(record.mechanisms[1].prefix6, 64);
  EXPECT_EQ(record.mechanisms[1].domain, parse_domain_spec("mail.example.com").value());
  EXPECT_EQ(record.mechanisms[1].text, "A:mail.example.com/24//64");
  EXPECT_EQ(record.mechanisms[2].qualifier, Qualifier::neutral);
  EXPECT_EQ(record.mechanisms[3].qualifier, Qualifier::softfail);
  EXPECT_EQ(record.mechanisms[3].text, "~all");
}

TEST(SpfRecord, TakesPrefixLengthsOfBothFamilies) {
  EXPECT_EQ(only("a").prefix4, 32);
  EXPECT_EQ(only("a").prefix6, 128);
  EXPECT_EQ(only("mx/0").prefix4, 0);
  EXPECT_EQ(only("mx//0").prefix6, 0);
  EXPECT_EQ(only("mx//0").prefix4, 32);
  EXPECT_EQ(only("a:%{d/}/8").prefix4, 8);
  for (const char* term :
       {"a/33", "a//129", "a/", "a//", "a/024", "a/-1", "a/24/64", "a//64/24", "a/24//64//1", "a/+1"})
    EXPECT_NE(fault(term), "") << term;
}

TEST(SpfRecord, TakesNetworks) {
  EXPECT_EQ(only("ip4:192.0.2.77/24").network, base::Network::parse("192.0.2.0/24"));
  EXPECT_EQ(only("ip4:192.0.2.77").network, base::Network::parse("192.0.2.77"));
  EXPECT_EQ(only("ip6:2001:DB8::1/32").network, base::Network::parse("2001:db8::/32"));
  EXPECT_EQ(only("ip6:::ffff:1.2.3.4/0").network, base::Network::parse("::/0"));
  for (const char* term :
       {"ip4", "ip4:", "ip4:1.2.3", "ip4:1.2.3.4/33", "ip4:1.2.3.4/", "ip4:1.2.3.4//32", "ip4:1.2.3.04",
        "ip4:::1", "ip6:1.2.3.4", "ip6:::1/129", "ip6:::1//64", "ip6:[::1]", "ip4/24", "ip4:1.2.3.4:25"})
    EXPECT_NE(fault(term), "") << term;
}

TEST(SpfRecord, KnowsItsModifiersWhereverTheyStand) {
  const auto record = parse_record("v=spf1 exp=e.%{d} mx REDIRECT=_spf.example.com x-y.z_1=%{s}/:").value();
  EXPECT_EQ(record.redirect, parse_domain_spec("_spf.example.com").value());
  EXPECT_EQ(record.exp, parse_domain_spec("e.%{d}").value());
  EXPECT_EQ(record.mechanisms.size(), 1u);
  for (const char* term : {"redirect=", "exp=", "redirect=a.com redirect=a.com", "exp=a.com Exp=b.com",
                           "exp=-all", "x=%a", "1x=a", "=a", "-redirect=a.com", "redirect:a.com"})
    EXPECT_NE(fault(term), "") << term;
}

TEST(SpfRecord, RefusesWhatIsNoMechanism) {
  for (const char* term :
       {"moo", "all:", "all/8", "-all.", "include", "include:", "include:a.com/24", "exists", "exists:a",
        "ptr/24", "ptr:", "a:", "a;", "a\tb", "--all", "-", "mx=1:%", "\xC3\xA9", "a:\xEF\xBB\xBF.com"})
    EXPECT_NE(fault(term), "") << term;
}

TEST(SpfRecord, TellsWhereItIsWrong) {
  const auto record = parse_record("v=spf1 mx a:192.0.2.1 -all");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().term, "a:192.0.2.1");
  EXPECT_THAT(record.error().what, HasSubstr("ip4:"));
}

}  // namespace
}  // namespace postrider::wire::spf
