#include "deliver/probe_targets.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "sys/fake/resolver.hpp"

namespace postrider::deliver {
namespace {

using testing::ElementsAre;

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }
mail::Domain domain(std::string_view text) { return mail::Domain::parse(text).value(); }

config::Route route(std::string pattern, config::Via via) {
  auto name = domain(pattern);
  return {std::move(pattern), std::move(name), false, std::move(via)};
}

class ProbeTargets : public testing::Test {
 protected:
  NextHops find(std::string_view host = "relayed.test", OwnEndpoints own = OwnEndpoints()) {
    std::optional<NextHops> found;
    find_next_hops(config_, domain(host), std::move(own), resolver_,
                   [&](NextHops hops) { found = std::move(hops); });
    return found.value();
  }
  mail::Reply answer(OwnEndpoints own = OwnEndpoints()) {
    return find("relayed.test", std::move(own)).error();
  }

  config::Config config_{domain("mx.here.test")};
  sys::fake::Resolver resolver_;
};

TEST_F(ProbeTargets, TheFirstRouteThatMatchesDecides) {
  config_.routes = {route("other.test", config::ViaSmtp{"192.0.2.9", 25}),
                    route("relayed.test", config::ViaSmtp{"[2001:db8::1]", 2600}),
                    route("relayed.test", config::ViaSmtp{"192.0.2.9", 25})};
  EXPECT_THAT(find().value(), ElementsAre(NextHop{ip("2001:db8::1"), 2600, ""}));
  EXPECT_EQ(resolver_.asked, 0);
}

TEST_F(ProbeTargets, ARoutesHostIsLookedUpInBothFamilies) {
  config_.routes = {route("relayed.test", config::ViaSmtp{"hub.test", 26})};
  resolver_.hosts["hub.test"] = {"2001:db8::2", "192.0.2.2"};
  EXPECT_THAT(find().value(), ElementsAre(NextHop{ip("192.0.2.2"), 26, "hub.test"},
                                          NextHop{ip("2001:db8::2"), 26, "hub.test"}));
  EXPECT_EQ(find()->front().to_string(), "hub.test[192.0.2.2]:26");
}

TEST_F(ProbeTargets, ARouteThatEndsHereAsksNobody) {
  for (const config::Via& via : {config::Via(config::ViaMaildir{"/x"}), config::Via(config::ViaHold{}),
                                 config::Via(config::ViaDiscard{})}) {
    config_.routes = {route("relayed.test", via)};
    EXPECT_EQ(answer().code, 250);
  }
}

TEST_F(ProbeTargets, MailExchangesComeByPreferenceAndEqualOnesInAnyOrder) {
  resolver_.exchanges["relayed.test"] = {{30, "c.test"}, {10, "a1.test"}, {10, "a2.test"}, {20, "b.test"}};
  resolver_.hosts = {{"a1.test", {"192.0.2.1"}}, {"a2.test", {"192.0.2.2"}}, {"c.test", {"192.0.2.4"}}};
  bool first = false, second = false;
  for (int i = 0; i < 64; ++i) {
    const auto hops = find().value();
    ASSERT_EQ(hops.size(), 3u);
    EXPECT_EQ(hops[2], (NextHop{ip("192.0.2.4"), 25, "c.test"}));
    first |= hops[0].name == "a1.test" && hops[1].name == "a2.test";
    second |= hops[0].name == "a2.test" && hops[1].name == "a1.test";
  }
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}

TEST_F(ProbeTargets, TriesNoMoreThanTenAddressesOfFiveHosts) {
  for (std::uint16_t i = 1; i <= 7; ++i) {
    const auto name = "mx" + std::to_string(i) + ".test";
    resolver_.exchanges["relayed.test"].push_back({i, name});
    resolver_.hosts[name] = {"192.0.2.1", "192.0.2.2", "2001:db8::1"};
  }
  const auto hops = find().value();
  EXPECT_EQ(hops.size(), 10u);
  EXPECT_EQ(resolver_.asked, 1 + 5 * 2);
}

TEST_F(ProbeTargets, WithoutMailExchangesTheDomainItselfIsTheHost) {
  resolver_.hosts["relayed.test"] = {"192.0.2.7"};
  EXPECT_THAT(find().value(), ElementsAre(NextHop{ip("192.0.2.7"), 25, "relayed.test"}));
  config_.routes = {route("relayed.test", config::ViaMx{})};
  EXPECT_THAT(find().value(), ElementsAre(NextHop{ip("192.0.2.7"), 25, "relayed.test"}));
}

TEST_F(ProbeTargets, ANullMxAndAMissingDomainAreRefusals) {
  EXPECT_EQ(answer(), mail::reply(550, 1, 2, "the recipient's domain does not exist"));
  resolver_.exchanges["relayed.test"] = {{0, "."}};
  EXPECT_EQ(answer(), mail::reply(556, 1, 10, "the recipient's domain takes no mail"));
}

TEST_F(ProbeTargets, TroubleOfTheDnsIsTemporary) {
  resolver_.errors["relayed.test"] = sys::dns::Error::timeout;
  EXPECT_EQ(answer(), mail::reply(450, 4, 3, "the next hop can't be found: timeout"));
  resolver_.errors.clear();
  resolver_.exchanges["relayed.test"] = {{10, "a.test"}};
  EXPECT_EQ(answer(), mail::reply(450, 4, 4, "the next hop has no address"));
  resolver_.errors["a.test"] = sys::dns::Error::bogus;
  EXPECT_EQ(answer(), mail::reply(450, 4, 3, "the next hop can't be found: bogus"));
}

TEST_F(ProbeTargets, WhoIsAmongTheExchangesAsksOnlyThePreferredOnes) {
  resolver_.exchanges["relayed.test"] = {
      {20, "mx.here.test"}, {20, "b.test"}, {30, "c.test"}, {10, "a.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1"}}, {"b.test", {"192.0.2.2"}}, {"c.test", {"192.0.2.3"}}};
  EXPECT_THAT(find().value(), ElementsAre(NextHop{ip("192.0.2.1"), 25, "a.test"}));
  // The same by address, where the list has another name for us.
  resolver_.exchanges["relayed.test"] = {{20, "b.test"}, {20, "alias.test"}, {30, "c.test"}, {10, "a.test"}};
  resolver_.hosts["alias.test"] = {"192.0.2.99", "192.0.2.100"};
  EXPECT_THAT(find("relayed.test", OwnEndpoints({{ip("192.0.2.100"), 25}})).value(),
              ElementsAre(NextHop{ip("192.0.2.1"), 25, "a.test"}));
}

TEST_F(ProbeTargets, NeverLeadsBackToOurselves) {
  const auto looped = mail::reply(450, 4, 6, "the next hop for this domain is this server itself");
  resolver_.exchanges["relayed.test"] = {{10, "mx.here.test"}, {20, "b.test"}};
  EXPECT_EQ(answer(), looped);
  config_.routes = {route("relayed.test", config::ViaSmtp{"127.0.0.1", 2525})};
  EXPECT_EQ(answer(OwnEndpoints({{ip("127.0.0.1"), 2525}})), looped);
  EXPECT_TRUE(find("relayed.test", OwnEndpoints({{ip("127.0.0.1"), 2526}})));
  config_.routes = {route("relayed.test", config::ViaSmtp{"hub.test", 2525})};
  resolver_.hosts["hub.test"] = {"127.0.0.1"};
  EXPECT_EQ(answer(OwnEndpoints({{ip("127.0.0.1"), 2525}})), looped);
}

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

}  // namespace
}  // namespace postrider::deliver
