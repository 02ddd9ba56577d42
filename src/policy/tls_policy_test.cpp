#include "policy/tls_policy.hpp"

#include <gtest/gtest.h>

namespace postrider::policy {
namespace {

using config::TlsLevel;

const mail::Host kRecipients = *mail::Domain::parse("There.test");

config::Config config_with(TlsLevel level) {
  config::Config config(*mail::Domain::parse("mx.here.test"));
  config.delivery.tls = level;
  return config;
}

config::Route route_with(config::Via via, std::optional<TlsLevel> level) {
  config::Route route;
  route.pattern = "there.test";
  route.via = std::move(via);
  route.tls = level;
  return route;
}

TEST(TlsPolicy, OfTheRouteGoesBeforeThatOfAllDelivery) {
  const auto config = config_with(TlsLevel::encrypt);
  EXPECT_EQ(tls_policy(config, route_with(config::ViaMx{}, {}), kRecipients),
            (TlsPolicy{TlsLevel::encrypt, {}, "delivery.tls"}));
  EXPECT_EQ(tls_policy(config, route_with(config::ViaMx{}, TlsLevel::none), kRecipients),
            (TlsPolicy{TlsLevel::none, {}, "route there.test"}));
}

TEST(TlsPolicy, VerifiesNamesThatTheDnsCantForge) {
  const auto config = config_with(TlsLevel::verify);
  using Names = std::vector<std::string>;
  EXPECT_EQ(tls_policy(config, route_with(config::ViaMx{}, {}), kRecipients).names,
            (Names{"there.test", ".there.test"}));
  EXPECT_EQ(tls_policy(config, route_with(config::ViaSmtp{"smart.test", 25}, {}), kRecipients).names,
            (Names{"smart.test"}));
  auto route = route_with(config::ViaMx{}, TlsLevel::verify);
  route.tls_names = {".provider.test"};
  EXPECT_EQ(tls_policy(config, route, kRecipients).names, (Names{".provider.test"}));
}

TEST(TlsPolicy, OfAUnixSocketIsNone) {
  const auto config = config_with(TlsLevel::verify);
  EXPECT_EQ(tls_policy(config, route_with(config::ViaLmtp{"", 0, "/run/lmtp"}, {}), kRecipients).level,
            TlsLevel::none);
}

TEST(TlsPolicy, KeepsConnectionsOfOtherPoliciesApart) {
  EXPECT_EQ((TlsPolicy{TlsLevel::verify, {"a.test", ".b.test"}, "x"}.key()), "verify a.test .b.test");
  EXPECT_EQ((TlsPolicy{TlsLevel::may, {}, "y"}.key()), "may");
}

}  // namespace
}  // namespace postrider::policy
