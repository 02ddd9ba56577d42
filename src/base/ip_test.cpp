#include "base/ip.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace postrider::base {
namespace {

using namespace std::string_view_literals;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
Network net(std::string_view text) { return Network::parse(text).value(); }

TEST(IpAddress, ReadsAndWritesBothVersions) {
  EXPECT_EQ(ip("192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_EQ(ip("192.0.2.1").to_literal(), "[192.0.2.1]");
  EXPECT_EQ(ip("2001:DB8:0:0:1::1").to_string(), "2001:db8::1:0:0:1");
  EXPECT_EQ(ip("::1").to_literal(), "[IPv6:::1]");
  EXPECT_EQ(ip("192.0.2.1").bytes(), "\xC0\x00\x02\x01"sv);
  EXPECT_EQ(ip("::1").bytes().size(), 16u);
}

TEST(IpAddress, UnmapsAnIpv4MappedAddress) {
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_TRUE(ip("::ffff:c000:201").is_v4());
  EXPECT_FALSE(ip("::fffe:c000:201").is_v4());
}

TEST(IpAddress, RefusesOtherTexts) {
  constexpr std::array<std::string_view, 9> kBad = {
      "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "[1.2.3.4]", "1.2.3.4:25", "fe80::1%eth0", "1::2::3", "::g"};
  for (const auto bad : kBad) EXPECT_FALSE(IpAddress::parse(bad)) << bad;
  EXPECT_FALSE(IpAddress::parse("1.2.3.4\0"sv));
}

TEST(IpAddress, KnowsLoopbackAndUnspecified) {
  EXPECT_TRUE(ip("127.255.0.1").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
}

TEST(Network, HoldsTheAddressesOfItsPrefix) {
  EXPECT_TRUE(net("192.0.2.128/25").contains(ip("192.0.2.128")));
  EXPECT_TRUE(net("192.0.2.128/25").contains(ip("192.0.2.255")));
  EXPECT_FALSE(net("192.0.2.128/25").contains(ip("192.0.2.127")));
  EXPECT_TRUE(net("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(net("2001:db8::/33").contains(ip("2001:db8:8000::1")));
  EXPECT_TRUE(net("0.0.0.0/0").contains(ip("255.255.255.255")));
  EXPECT_FALSE(net("0.0.0.0/0").contains(ip("::1")));
  EXPECT_TRUE(net("192.0.2.1").contains(ip("192.0.2.1")));
  EXPECT_FALSE(net("192.0.2.1").contains(ip("192.0.2.2")));
}

TEST(Network, RefusesBitsBehindThePrefixAndBadPrefixes) {
  constexpr std::array<std::string_view, 7> kBad = {"192.0.2.1/24", "192.0.2.0/33",  "192.0.2.0/",
                                                    "192.0.2.0/-1", "192.0.2.0/24x", "2001:db8::/129",
                                                    "example.com/8"};
  for (const auto bad : kBad) EXPECT_FALSE(Network::parse(bad)) << bad;
}

TEST(Network, AroundCutsAnAddressToItsPrefix) {
  EXPECT_EQ(Network::around(ip("192.0.2.77"), 26).to_string(), "192.0.2.64/26");
  EXPECT_EQ(Network::around(ip("2001:db8:1:2:3::4"), 64).to_string(), "2001:db8:1:2::/64");
}

}  // namespace
}  // namespace postrider::base
