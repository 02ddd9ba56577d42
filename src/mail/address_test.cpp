#include "mail/address.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace postrider::mail {
namespace {

Address address(std::string_view text) { return Address::parse(text).value(); }

std::string code(std::string_view text) {
  const auto parsed = Address::parse(text);
  return parsed ? "accepted" : parsed.error().code.to_string();
}

TEST(Address, KeepsTheMeaningOfAQuotedLocalPart) {
  EXPECT_EQ(address("\"a b\"@c.d").local(), "a b");
  EXPECT_EQ(address("\"a\\ b\"@c.d").to_string(), "\"a b\"@c.d");
  EXPECT_EQ(address("\"al\\ice\"@c.d"), address("alice@C.D"));
  EXPECT_EQ(address("\"alice\"@c.d").to_string(), "alice@c.d");
  EXPECT_EQ(address(R"("a\"\\@b"@c.d)").local(), R"(a"\@b)");
  EXPECT_EQ(address(R"("a\"\\@b"@c.d)").to_string(), R"("a\"\\@b"@c.d)");
  EXPECT_EQ(address("\"\"@c.d").to_string(), "\"\"@c.d");
}

TEST(Address, ComparesLocalPartsWithCaseAndDomainsWithout) {
  EXPECT_NE(address("Alice@example.com"), address("alice@example.com"));
  EXPECT_EQ(address("alice@EXAMPLE.com"), address("alice@example.com"));
}

TEST(Address, TakesAddressLiterals) {
  EXPECT_EQ(address("a@[192.0.2.1]").to_string(), "a@[192.0.2.1]");
  EXPECT_EQ(address("a@[ipv6:2001:DB8::1]").to_string(), "a@[IPv6:2001:db8::1]");
  EXPECT_EQ(address("a@[IPv6:::ffff:192.0.2.1]").to_string(), "a@[192.0.2.1]");
  EXPECT_EQ(address("a@[192.0.2.1]").domain(), nullptr);
  constexpr std::array<std::string_view, 10> kBad = {"a@[]",
                                                     "a@[192.0.2.1",
                                                     "a@[192.0.2.1]x",
                                                     "a@[IPv6:192.0.2.1]",
                                                     "a@[::1]",
                                                     "a@[x:y]",
                                                     "a@[Tag:content]",
                                                     "a@[192.0.2.256]",
                                                     "a@[IPv6:1:2:3:4:5:6::8]",
                                                     "a@[IPv6:1:2:3:4:5::1.2.3.4]"};
  for (const auto bad : kBad) EXPECT_EQ(code(bad), "5.1.3") << bad;
  EXPECT_EQ(code("a@[IPv6:1:2:3:4::1.2.3.4]"), "accepted");
}

TEST(Address, RefusesWhatIsNoMailbox) {
  constexpr std::array<std::string_view, 15> kBad = {"",       "a",        "@b",         ".a@b",   "a.@b",
                                                     "a..b@c", "a b@c",    "a\\b@c",     "a(b)@c", "\"a\"b@c",
                                                     "\"a@b",  "a\"b\"@c", "\"a\tb\"@c", "\"a\\",  "a<b>@c"};
  for (const auto bad : kBad) EXPECT_EQ(code(bad), "5.1.3") << bad;
  for (const auto* bad : {"a@", "a@b@c", "a@b ", "a@b..c"}) EXPECT_EQ(code(bad), "5.1.2") << bad;
}

TEST(Address, MayBeLongerWhereAForwarderMadeItOfAnother) {
  const std::string seventy(70, 'a');
  EXPECT_EQ(code(seventy + "@b.c"), "5.1.3");
  for (const auto* mark : {"SRS0=", "srs0+", "SRS1-"}) {
    const auto made = address(mark + seventy + "@b.c");
    EXPECT_EQ(made.local(), mark + seventy);
    EXPECT_EQ(Address::make(made.local(), made.host()), made);
    EXPECT_EQ(address('"' + (mark + seventy) + " x\"@b.c").local(), mark + seventy + " x");
  }
  for (const auto* mark : {"SRS0", "SRS2=", "SRS0.", "xSRS0="})
    EXPECT_EQ(code(mark + seventy + "@b.c"), "5.1.3");
  EXPECT_EQ(code("SRS0=" + std::string(245, 'a') + "@b.c"), "accepted");  // 254
  EXPECT_EQ(code("SRS0=" + std::string(246, 'a') + "@b.c"), "5.1.3");
}

TEST(Address, TakesUtf8WithItsALabels) {
  const auto ours = address("josé@ñandú.example");
  EXPECT_FALSE(ours.is_ascii());
  EXPECT_EQ(ours.to_string(), "josé@ñandú.example");
  EXPECT_EQ(ours.to_ascii(), "josé@xn--and-6ma2c.example");
  EXPECT_TRUE(address("jose@ñandú.example").is_ascii());
  EXPECT_EQ(address("\"josé x\"@a.b").local(), "josé x");
  EXPECT_EQ(code("\"\\é\"@a.b"), "5.1.3");
  EXPECT_EQ(code("\xE9@a.b"), "5.1.3");
}

TEST(Address, RefusesALocalPartOf65Octets) {
  EXPECT_EQ(code(std::string(64, 'a') + "@b.c"), "accepted");
  EXPECT_EQ(code(std::string(65, 'a') + "@b.c"), "5.1.3");
  // Quotes and backslashes count.
  EXPECT_EQ(code('"' + std::string(62, ' ') + "\"@b.c"), "accepted");
  EXPECT_EQ(code('"' + std::string(63, ' ') + "\"@b.c"), "5.1.3");
  EXPECT_EQ(code("\"\\a" + std::string(61, 'a') + "\"@b.c"), "5.1.3");
}

TEST(Address, RefusesMoreThan254OctetsInEitherForm) {
  const std::string label(62, 'b');
  const std::string domain = label + '.' + label + '.' + label + '.';  // 189
  EXPECT_EQ(code(std::string(64, 'a') + '@' + domain), "5.1.2");
  EXPECT_EQ(code(std::string(63, 'a') + '@' + domain + 'c'), "accepted");
  EXPECT_EQ(code(std::string(63, 'a') + '@' + domain + "cc"), "5.1.3");
  // Quotes that are not needed count.
  EXPECT_EQ(code('"' + std::string(61, 'a') + "\"@" + domain + 'c'), "accepted");
  EXPECT_EQ(code('"' + std::string(62, 'a') + "\"@" + domain + 'c'), "5.1.3");
  // "é" is two octets, its A-label "xn--9ca" seven.
  EXPECT_EQ(code(std::string(57, 'a') + '@' + domain + "\u00e9"), "accepted");
  EXPECT_EQ(code(std::string(58, 'a') + '@' + domain + "\u00e9"), "5.1.3");
}

TEST(Address, IsMadeOfGoodPartsOnly) {
  const auto host = Host(Domain::parse("b.c").value());
  EXPECT_EQ(Address::make("a b", host).value().to_string(), "\"a b\"@b.c");
  EXPECT_FALSE(Address::make("a\nb", host));
  EXPECT_FALSE(Address::make(std::string(63, ' '), host));
  EXPECT_FALSE(Address::make("\xC3", host));
}

}  // namespace
}  // namespace postrider::mail
