#include "deliver/probe_targets.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>

#include "sys/fake/clock.hpp"
#include "sys/fake/random.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::deliver {
namespace {

using testing::ElementsAre;

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }
mail::Domain domain(std::string_view text) { return mail::Domain::parse(text).value(); }

config::Route route(std::string pattern, config::Via via) {
  config::Route one;
  one.domain = domain(pattern);
  one.pattern = std::move(pattern);
  one.via = std::move(via);
  return one;
}

class ProbeTargets : public testing::Test {
 protected:
  NextHops find() {
    HostFinder hosts({.resolver = resolver_,
                      .clock = clock_,
                      .random = random_,
                      .config = [this] { return config_; },
                      .own = own_,
                      .reachable = [](const auto&) { return true; }});
    std::optional<NextHops> found;
    const mail::Host host = domain("relayed.test");
    find_next_hops({.host = host, .route = config::route_for(config_, host)}, hosts,
                   [&](NextHops hops) { found = std::move(hops); });
    return found.value();
  }
  mail::Reply answer() { return find().error(); }

  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>(domain("mx.here.test"));
  sys::fake::Resolver resolver_;
  sys::fake::Clock clock_;
  sys::fake::Random random_;
  OwnEndpoints own_;
};

TEST_F(ProbeTargets, TheFirstRouteThatMatchesDecides) {
  config_->routes = {route("other.test", config::ViaSmtp{"192.0.2.9", 25}),
                     route("relayed.test", config::ViaSmtp{"[2001:db8::1]", 2600}),
                     route("relayed.test", config::ViaSmtp{"192.0.2.9", 25})};
  EXPECT_THAT(find().value(), ElementsAre(NextHop{ip("2001:db8::1"), 2600, {}, 0, {}}));
  EXPECT_EQ(resolver_.asked, 0);
}

TEST_F(ProbeTargets, WithoutARouteItIsTheMailExchanges) {
  resolver_.exchanges["relayed.test"] = {{20, "b.test"}, {10, "a.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1"}}, {"b.test", {"192.0.2.2"}}};
  const auto both = ElementsAre(NextHop{ip("192.0.2.1"), 25, "a.test", 10, {}},
                                NextHop{ip("192.0.2.2"), 25, "b.test", 20, {}});
  EXPECT_THAT(find().value(), both);
  config_->routes = {route("relayed.test", config::ViaMx{})};
  EXPECT_THAT(find().value(), both);
}

TEST_F(ProbeTargets, ARouteThatEndsHereAsksNobody) {
  for (const config::Via& via :
       {config::Via(config::ViaMaildir{"/x"}), config::Via(config::ViaHold{}),
        config::Via(config::ViaDiscard{}), config::Via(config::ViaPipe{}), config::Via(config::ViaLmtp{})}) {
    config_->routes = {route("relayed.test", via)};
    EXPECT_EQ(answer().code, 250);
  }
}

TEST_F(ProbeTargets, ANullMxAndAMissingDomainAreRefusals) {
  EXPECT_EQ(answer(), mail::reply(550, 1, 2, "the domain relayed.test does not exist"));
  resolver_.exchanges["relayed.test"] = {{0, "."}};
  EXPECT_EQ(answer(), mail::reply(556, 1, 10, "the domain relayed.test takes no mail"));
}

TEST_F(ProbeTargets, WhatMayBeMendedIsTemporary) {
  const auto trouble = "the DNS gives no answer for the mail hosts of relayed.test: timeout";
  resolver_.errors["relayed.test"] = sys::dns::Error::timeout;
  EXPECT_EQ(answer(), mail::reply(450, 4, 3, trouble));
  resolver_.errors.clear();
  resolver_.exchanges["relayed.test"] = {{10, "a.test"}};
  EXPECT_EQ(answer(), mail::reply(450, 4, 4, "the mail hosts of relayed.test have no address"));
  resolver_.exchanges["relayed.test"] = {{10, "mx.here.test"}};
  EXPECT_EQ(answer(), mail::reply(450, 4, 6, "mail for relayed.test would come back to this server"));
  own_ = OwnEndpoints({{ip("127.0.0.1"), 2525}});
  config_->routes = {route("relayed.test", config::ViaSmtp{"127.0.0.1", 2525})};
  EXPECT_EQ(answer(), mail::reply(450, 4, 6, "mail for relayed.test would come back to this server"));
}

TEST_F(ProbeTargets, AMistakeInTheRouteIsTemporary) {
  config_->routes = {route("relayed.test", config::ViaSmtp{"hub.test", 25})};
  EXPECT_EQ(answer(), mail::reply(450, 3, 5, "the host of the route has no address: smtp://hub.test:25"));
}

}  // namespace
}  // namespace postrider::deliver
