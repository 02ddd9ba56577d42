#include "sys/dns_rdata.hpp"

#include <gtest/gtest.h>

namespace postrider::sys::dns {
namespace {

using namespace std::string_view_literals;

std::optional<std::string> text(const std::optional<base::IpAddress>& address) {
  if (!address) return {};
  return address->to_string();
}

TEST(DnsRdata, ReadsAddressesOfExactlyTheirLength) {
  EXPECT_EQ(text(parse_a("\xC0\x00\x02\x01"sv)), "192.0.2.1");
  EXPECT_FALSE(parse_a("\xC0\x00\x02"sv));
  EXPECT_FALSE(parse_a("\xC0\x00\x02\x01\x01"sv));
  EXPECT_EQ(text(parse_aaaa("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"sv)), "2001:db8::1");
  EXPECT_FALSE(parse_aaaa("\x20\x01\x0D\xB8"sv));
}

TEST(DnsRdata, ReadsNamesInLowerCaseAndEscapesWhatIsNoHostName) {
  EXPECT_EQ(parse_name("\2MX\7Example\3com\0"sv), "mx.example.com");
  EXPECT_EQ(parse_name("\0"sv), ".");
  EXPECT_EQ(parse_name("\5a.b\\ \4\xFF\n_*\0"sv), "a\\046b\\092\\032.\\255\\010_*");
  EXPECT_FALSE(parse_name(""sv));
  EXPECT_FALSE(parse_name("\2mx"sv));      // no root
  EXPECT_FALSE(parse_name("\3mx\0"sv));    // a label longer than what is there
  EXPECT_FALSE(parse_name("\2mx\0\0"sv));  // something behind the root
  EXPECT_FALSE(parse_name("\xC0\x0C"sv));  // a pointer
  EXPECT_FALSE(parse_name(std::string(256, '\1')));
}

TEST(DnsRdata, ReadsMailExchanges) {
  EXPECT_EQ(parse_mx("\x01\x02\2mx\4test\0"sv), (Mx{258, "mx.test"}));
  EXPECT_EQ(parse_mx("\0\0\0"sv), (Mx{0, "."}));
  EXPECT_FALSE(parse_mx("\0\0"sv));
  EXPECT_FALSE(parse_mx("\0\x0A\2mx"sv));
}

TEST(DnsRdata, KnowsWhatCanBeAskedFor) {
  const std::string longest =
      std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.';
  EXPECT_TRUE(is_name("example.com"));
  EXPECT_TRUE(is_name("_25._tcp.mx.example.com."));
  EXPECT_TRUE(is_name(longest + std::string(61, 'd')));
  EXPECT_TRUE(is_name(longest + std::string(61, 'd') + '.'));
  EXPECT_FALSE(is_name(longest + std::string(62, 'd')));
  EXPECT_FALSE(is_name(std::string(64, 'a')));
  for (const auto bad : {""sv, "."sv, "a..b"sv, ".a"sv, "a.."sv, "a\\046b"sv, "a\0b"sv})
    EXPECT_FALSE(is_name(bad)) << bad;
}

TEST(DnsRdata, JoinsTheStringsOfATxtRecord) {
  EXPECT_EQ(parse_txt("\x06v=spf1\x05 -all"sv), "v=spf1 -all");
  EXPECT_EQ(parse_txt("\0"sv), "");
  EXPECT_FALSE(parse_txt(""sv));
  EXPECT_FALSE(parse_txt("\x07v=spf1"sv));
}

TEST(DnsRdata, WritesTheNameOfAnAddress) {
  EXPECT_EQ(reverse_name(base::IpAddress::parse("192.0.2.1").value()), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_name(base::IpAddress::parse("2001:db8::a1").value()),
            "1.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace postrider::sys::dns
