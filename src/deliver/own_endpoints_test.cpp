#include "deliver/own_endpoints.hpp"

#include <gtest/gtest.h>

namespace postrider::deliver {
namespace {

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }

TEST(OwnEndpoints, AnUnspecifiedAddressIsEveryAddressOfThisMachine) {
  const OwnEndpoints any({{ip("0.0.0.0"), 25}});
  EXPECT_TRUE(any.contains(ip("127.0.0.1"), 25));
  EXPECT_TRUE(any.contains(ip("127.9.9.9"), 25));
  EXPECT_TRUE(any.contains(ip("0.0.0.0"), 25));
  EXPECT_FALSE(any.contains(ip("127.0.0.1"), 26));
  EXPECT_FALSE(any.contains(ip("203.0.113.1"), 25));
  const OwnEndpoints one({{ip("127.0.0.2"), 25}});
  EXPECT_TRUE(one.contains(ip("127.0.0.2"), 25));
  EXPECT_FALSE(one.contains(ip("127.0.0.1"), 25));
  EXPECT_TRUE(one.contains(ip("0.0.0.0"), 25));
}

TEST(OwnEndpoints, ListenersOfTheConfigurationComeBesideThem) {
  config::Listener listener;
  listener.address = ip("::1");
  listener.port = 2525;
  const OwnEndpoints both = OwnEndpoints({{ip("127.0.0.2"), 25}}).with({listener});
  EXPECT_TRUE(both.contains(ip("127.0.0.2"), 25));
  EXPECT_TRUE(both.contains(ip("::1"), 2525));
  EXPECT_FALSE(both.contains(ip("::1"), 25));
}

TEST(IsReachable, AsksIpv6OnlyOfAMachineThatHasSuchAnAddress) {
  const auto from = [](std::string_view own, std::string_view to) {
    return is_reachable_from({ip("127.0.0.1"), ip("::1"), ip("fe80::1"), ip(own)}, ip(to));
  };
  EXPECT_FALSE(from("192.0.2.1", "2001:db8::1"));
  EXPECT_FALSE(from("fe80::2", "2001:db8::1"));
  EXPECT_FALSE(from("fd00::2", "2001:db8::1"));
  EXPECT_FALSE(from("2001:db8::2", "fd00::1"));
  EXPECT_TRUE(from("2001:db8::2", "2001:db8::1"));
  EXPECT_TRUE(from("fd00::2", "fd00::1"));
  EXPECT_TRUE(from("192.0.2.1", "::1"));
  EXPECT_TRUE(from("2001:db8::2", "192.0.2.1"));
  EXPECT_TRUE(is_reachable(ip("192.0.2.1")));
  EXPECT_TRUE(is_reachable(ip("::1")));
}

}  // namespace
}  // namespace postrider::deliver
