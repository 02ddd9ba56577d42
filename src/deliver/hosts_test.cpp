#include "deliver/hosts.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <set>

#include "deliver/hosts_lookup.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/random.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::deliver {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;
using enum config::IpPreference;

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }
mail::Domain domain(std::string_view text) { return mail::Domain::parse(text).value(); }

config::Listener listener(std::string_view address, std::uint16_t port) {
  config::Listener one;
  one.address = ip(address);
  one.port = port;
  return one;
}

class HostsTest : public testing::Test {
 protected:
  FoundHosts find(const mail::Host& host) {
    config_->routes = {route_};
    HostFinder finder({.resolver = resolver_,
                       .clock = clock_,
                       .random = random_,
                       .config = [this] { return config_; },
                       .own = own_,
                       .reachable = [this](const auto& address) { return address.is_v4() || has_ipv6_; }});
    std::optional<FoundHosts> found;
    finder.find({host, {config_, &config_->routes.front()}},
                [&](FoundHosts hosts) { found = std::move(hosts); });
    return found.value();
  }
  FoundHosts find(std::string_view host = "there.test") { return find(mail::Host(domain(host))); }
  // "192.0.2.1 192.0.2.2"
  std::string addresses(std::string_view host = "there.test") {
    std::string out;
    for (const NextHop& hop : find(host).value().hops)
      out += (out.empty() ? "" : " ") + hop.address.to_string();
    return out;
  }
  std::string site(std::string_view host = "there.test") { return find(host).value().site.name; }
  // "failed 550 5.1.2 the words"
  std::string outcome(const mail::Host& host = domain("there.test")) {
    const mail::Outcome outcome = find(host).error();
    EXPECT_EQ(outcome.at, clock_.utc());
    return std::string(to_string(outcome.action)) + ' ' + std::to_string(outcome.reply.code) + ' ' +
           outcome.reply.enhanced->to_string() + ' ' + outcome.reply.text;
  }

  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>(domain("mx.here.test"));
  config::Route route_;
  sys::fake::Resolver resolver_;
  sys::fake::Clock clock_;
  sys::fake::Random random_;
  OwnEndpoints own_;
  bool has_ipv6_ = true;
};

TEST_F(HostsTest, MailExchangesComeByPreference) {
  resolver_.exchanges["there.test"] = {{30, "c.test"}, {10, "a.test"}, {20, "b.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1"}}, {"b.test", {"192.0.2.2"}}, {"c.test", {"192.0.2.3"}}};
  const Hosts found = find().value();
  EXPECT_THAT(found.hops, ElementsAre(NextHop{ip("192.0.2.1"), 25, "a.test", 10, {}},
                                      NextHop{ip("192.0.2.2"), 25, "b.test", 20, {}},
                                      NextHop{ip("192.0.2.3"), 25, "c.test", 30, {}}));
  EXPECT_EQ(found.site.name, "a.test,b.test,c.test");
  EXPECT_EQ(found.site.concurrency, 20u);
  EXPECT_EQ(found.site.max_per_minute, 0u);
  EXPECT_EQ(found.ttl, std::chrono::seconds(300));
  EXPECT_EQ(found.hops.front().to_string(), "a.test[192.0.2.1]:25");
}

TEST_F(HostsTest, EqualMailExchangesComeInAnyOrder) {
  resolver_.exchanges["there.test"] = {{10, "a.test"}, {10, "b.test"}, {20, "c.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1"}}, {"b.test", {"192.0.2.2"}}, {"c.test", {"192.0.2.3"}}};
  std::set<std::string> orders;
  for (int i = 0; i < 32; ++i) orders.insert(addresses());
  EXPECT_THAT(orders, ElementsAre("192.0.2.1 192.0.2.2 192.0.2.3", "192.0.2.2 192.0.2.1 192.0.2.3"));
}

TEST_F(HostsTest, AHostsFamiliesTakeTurns) {
  resolver_.exchanges["there.test"] = {{10, "a.test"}, {20, "b.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1", "2001:db8::1"}}, {"b.test", {"192.0.2.2", "2001:db8::2"}}};
  EXPECT_EQ(addresses(), "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2");
  config_->delivery.ip = prefer_ipv4;
  EXPECT_EQ(addresses(), "192.0.2.1 2001:db8::1 192.0.2.2 2001:db8::2");
  resolver_.hosts["a.test"] = {"192.0.2.1", "192.0.2.3", "2001:db8::1", "2001:db8::3"};
  const auto hops = find()->hops;
  std::string families;
  for (const NextHop& hop : hops) families += hop.address.is_v4() ? '4' : '6';
  EXPECT_EQ(families, "464646");
}

TEST_F(HostsTest, AFamilyThatIsNotWantedOrNotThereIsLeftOut) {
  resolver_.exchanges["there.test"] = {{10, "a.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1", "2001:db8::1"}}};
  config_->delivery.ip = only_ipv4;
  EXPECT_EQ(addresses(), "192.0.2.1");
  config_->delivery.ip = only_ipv6;
  EXPECT_EQ(addresses(), "2001:db8::1");
  config_->delivery.ip = prefer_ipv6;
  has_ipv6_ = false;
  EXPECT_EQ(addresses(), "192.0.2.1");
  has_ipv6_ = true;
  route_.source = {ip("192.0.2.99")};
  EXPECT_EQ(addresses(), "192.0.2.1");
  route_.source = {ip("2001:db8::99")};
  EXPECT_EQ(addresses(), "2001:db8::1");
  route_.source = {ip("2001:db8::99"), ip("192.0.2.99")};
  EXPECT_EQ(addresses(), "2001:db8::1 192.0.2.1");
}

TEST_F(HostsTest, MailWaitsWhereOnlyTheOtherFamilyIsThere) {
  resolver_.exchanges["there.test"] = {{10, "a.test"}};
  resolver_.hosts = {{"a.test", {"2001:db8::1"}}};
  has_ipv6_ = false;
  const std::string unused =
      "deferred 451 4.4.4 the mail hosts of there.test have only addresses of a kind that is not used here";
  EXPECT_EQ(outcome(), unused);
  has_ipv6_ = true;
  config_->delivery.ip = only_ipv4;
  EXPECT_EQ(outcome(), unused);
  config_->delivery.ip = prefer_ipv4;
  route_.source = {ip("192.0.2.99")};
  EXPECT_EQ(outcome(), "deferred 451 4.3.5 the source address of the route fits no address of there.test");
}

TEST_F(HostsTest, TriesTenAddressesOfTheTenBestHosts) {
  std::string names;
  for (std::uint16_t i = 0; i < 12; ++i) {
    const auto name = std::string("mx") + static_cast<char>('a' + i) + ".test";
    resolver_.exchanges["there.test"].push_back({i, name});
    resolver_.hosts[name] = {"192.0.2.1", "2001:db8::1"};
    if (i < 10) names += (i == 0 ? "" : ",") + name;
  }
  const Hosts found = find().value();
  EXPECT_EQ(found.hops.size(), 10u);
  EXPECT_EQ(found.hops.back().name, "mxe.test");
  EXPECT_EQ(found.site.name, names);
  EXPECT_EQ(resolver_.asked, 1 + 10 * 2);
}

TEST_F(HostsTest, AHostWithManyAddressesDoesNotHideTheNext) {
  resolver_.exchanges["there.test"] = {{10, "many.test"}, {20, "few.test"}};
  resolver_.hosts["few.test"] = {"192.0.2.100"};
  for (int i = 1; i <= 9; ++i) resolver_.hosts["many.test"].push_back("192.0.2." + std::to_string(i));
  EXPECT_EQ(find().value().hops.back().name, "few.test");  // all are tried
  for (int i = 10; i <= 30; ++i) resolver_.hosts["many.test"].push_back("192.0.2." + std::to_string(i));
  const Hosts found = find().value();
  ASSERT_EQ(found.hops.size(), kMostAddresses);
  for (std::size_t i = 0; i < kMostAddresses; ++i)
    EXPECT_EQ(found.hops[i].name, i == 4 ? "few.test" : "many.test") << i;
  EXPECT_EQ(found.others.size(), 21u);
  for (int i = 1; i <= 30; ++i) {
    NextHop hop{ip("192.0.2." + std::to_string(i)), 25, {}, 0, {}};
    EXPECT_TRUE(found.have(hop));
    hop.port = 26;
    EXPECT_FALSE(found.have(hop));
  }
  EXPECT_FALSE(found.have({ip("192.0.2.31"), 25, {}, 0, {}}));
}

TEST_F(HostsTest, DomainsThatShareTheirHostsShareTheSite) {
  resolver_.exchanges["there.test"] = {{10, "b.test"}, {20, "a.test"}};
  resolver_.exchanges["other.test"] = {{5, "a.test"}, {5, "b.test"}, {7, "b.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1"}}, {"b.test", {"192.0.2.2"}}};
  EXPECT_EQ(site(), "a.test,b.test");
  EXPECT_EQ(site("other.test"), "a.test,b.test");
  EXPECT_EQ(site("a.test"), "a.test");
}

TEST_F(HostsTest, WithoutMailExchangesTheDomainItselfIsTheHost) {
  resolver_.hosts["there.test"] = {"192.0.2.7"};
  const Hosts found = find().value();
  EXPECT_THAT(found.hops, ElementsAre(NextHop{ip("192.0.2.7"), 25, "there.test", 0, {}}));
  EXPECT_EQ(found.site.name, "there.test");
}

TEST_F(HostsTest, ADomainThatTakesNoMailOrDoesNotExistFails) {
  EXPECT_EQ(outcome(), "failed 550 5.1.2 the domain there.test does not exist");
  resolver_.exchanges["there.test"] = {{0, "."}};
  EXPECT_EQ(outcome(), "failed 556 5.1.10 the domain there.test takes no mail");
  resolver_.exchanges["there.test"] = {{0, "."}, {10, "a.test"}};
  resolver_.hosts["a.test"] = {"192.0.2.1"};
  EXPECT_EQ(addresses(), "192.0.2.1");
}

TEST_F(HostsTest, HostsWithoutAnAddressFail) {
  const std::string none = "failed 550 5.4.4 the mail hosts of there.test have no address";
  resolver_.exchanges["there.test"] = {{10, "a.test"}, {20, "b.test"}};
  EXPECT_EQ(outcome(), none);
  resolver_.texts["a.test"] = {"no address"};
  EXPECT_EQ(outcome(), none);
  resolver_.errors["b.test"] = sys::dns::Error::servfail;
  EXPECT_EQ(outcome(),
            "deferred 451 4.4.3 the DNS gives no answer for the mail hosts of there.test: servfail");
  resolver_.hosts["a.test"] = {"192.0.2.1"};
  EXPECT_EQ(addresses(), "192.0.2.1");
  resolver_.exchanges.clear();
  resolver_.texts["there.test"] = {"neither MX nor address"};
  EXPECT_EQ(outcome(), none);
}

TEST_F(HostsTest, TroubleOfTheDnsIsTemporary) {
  using enum sys::dns::Error;
  for (const auto error : {servfail, timeout, bogus, malformed}) {
    resolver_.errors["there.test"] = error;
    EXPECT_EQ(outcome(), "deferred 451 4.4.3 the DNS gives no answer for the mail hosts of there.test: " +
                             std::string(to_string(error)));
  }
}

TEST_F(HostsTest, WhoIsAmongTheExchangesUsesOnlyThePreferredOnes) {
  resolver_.exchanges["there.test"] = {
      {20, "mx.here.test"}, {20, "b.test"}, {30, "c.test"}, {40, "mx.here.test"}, {10, "a.test"}};
  resolver_.hosts = {{"a.test", {"192.0.2.1"}}, {"b.test", {"192.0.2.2"}}, {"c.test", {"192.0.2.3"}}};
  EXPECT_EQ(addresses(), "192.0.2.1");
  EXPECT_EQ(site(), "a.test");
  // The same by address, where the list has another name for us.
  resolver_.exchanges["there.test"] = {{20, "b.test"}, {20, "alias.test"}, {30, "c.test"}, {10, "a.test"}};
  resolver_.hosts["alias.test"] = {"192.0.2.99", "192.0.2.100"};
  own_ = OwnEndpoints({{ip("192.0.2.100"), 25}});
  EXPECT_EQ(addresses(), "192.0.2.1");
  own_ = OwnEndpoints({{ip("192.0.2.100"), 26}});
  EXPECT_EQ(find()->hops.size(), 5u);
  config_->listeners.push_back(listener("192.0.2.100", 25));
  EXPECT_EQ(addresses(), "192.0.2.1");
}

TEST_F(HostsTest, NeverLeadsBackToOurselves) {
  const std::string loop = "failed 554 5.4.6 mail for there.test would come back to this server";
  resolver_.exchanges["there.test"] = {{10, "mx.here.test"}, {20, "b.test"}};
  EXPECT_EQ(outcome(), loop);
  resolver_.exchanges = {};
  resolver_.hosts["there.test"] = {"127.0.0.1"};
  own_ = OwnEndpoints({{ip("127.0.0.1"), 25}});
  EXPECT_EQ(outcome(), loop);
  EXPECT_EQ(outcome(ip("127.0.0.1")), "failed 554 5.4.6 mail for [127.0.0.1] would come back to this server");
  route_.via = config::ViaSmtp{"127.0.0.1", 25};
  EXPECT_EQ(outcome(), loop);
  route_.via = config::ViaSmtp{"there.test", 25};
  EXPECT_EQ(outcome(), loop);
  route_.via = config::ViaSmtp{"127.0.0.1", 2525};
  EXPECT_EQ(addresses(), "127.0.0.1");
}

TEST_F(HostsTest, ADomainOfOurOwnNameIsOurselves) {
  resolver_.hosts["mx.here.test"] = {"192.0.2.1"};
  EXPECT_EQ(outcome(domain("mx.here.test")),
            "failed 554 5.4.6 mail for mx.here.test would come back to this server");
}

TEST_F(HostsTest, AnAddressLiteralIsTheHost) {
  const Hosts found = find(mail::Host(ip("192.0.2.1"))).value();
  EXPECT_THAT(found.hops, ElementsAre(NextHop{ip("192.0.2.1"), 25, {}, 0, {}}));
  EXPECT_EQ(found.site.name, "[192.0.2.1]");
  EXPECT_EQ(found.hops.front().to_string(), "[192.0.2.1]:25");
  EXPECT_EQ(find(mail::Host(ip("2001:db8::1")))->site.name, "[IPv6:2001:db8::1]");
  config_->delivery.ip = only_ipv4;
  EXPECT_EQ(
      outcome(ip("2001:db8::1")),
      "deferred 451 4.4.4 the mail hosts of [IPv6:2001:db8::1] have only addresses of a kind that is not "
      "used here");
  EXPECT_EQ(resolver_.asked, 0);
}

TEST_F(HostsTest, ARouteNamesTheHost) {
  resolver_.exchanges["hub.test"] = {{10, "elsewhere.test"}};
  resolver_.hosts["hub.test"] = {"192.0.2.2", "2001:db8::2"};
  route_.via = config::ViaSmtp{"Hub.test", 587};
  const Hosts found = find().value();
  EXPECT_THAT(found.hops, ElementsAre(NextHop{ip("2001:db8::2"), 587, "hub.test", 0, {}},
                                      NextHop{ip("192.0.2.2"), 587, "hub.test", 0, {}}));
  EXPECT_EQ(found.site.name, "smtp://hub.test:587");
  route_.via = config::ViaLmtp{"hub.test", 24, {}};
  EXPECT_EQ(find()->hops.front(), (NextHop{ip("2001:db8::2"), 24, "hub.test", 0, {}}));
  EXPECT_EQ(site(), "lmtp://hub.test:24");
}

TEST_F(HostsTest, ARouteGivesAnAddressOrASocket) {
  route_.via = config::ViaSmtp{"[2001:db8::1]", 2600};
  config_->delivery.ip = only_ipv4;
  has_ipv6_ = false;
  EXPECT_THAT(find()->hops, ElementsAre(NextHop{ip("2001:db8::1"), 2600, {}, 0, {}}));
  EXPECT_EQ(site(), "smtp://[2001:db8::1]:2600");
  route_.source = {ip("192.0.2.99")};
  EXPECT_EQ(
      outcome(),
      "deferred 451 4.3.5 the source address of the route fits no address of smtp://[2001:db8::1]:2600");
  route_.source = {};
  route_.via = config::ViaLmtp{{}, 24, "/run/lmtp.sock"};
  const Hosts found = find().value();
  EXPECT_EQ(found.hops.front().to_string(), "/run/lmtp.sock");
  EXPECT_EQ(found.site.name, "lmtp:/run/lmtp.sock");
  EXPECT_EQ(resolver_.asked, 0);
}

TEST_F(HostsTest, ARoutesHostThatIsMissingIsAFaultOfOurs) {
  route_.via = config::ViaSmtp{"hub.test", 587};
  EXPECT_EQ(outcome(), "deferred 451 4.3.5 the host of the route has no address: smtp://hub.test:587");
  resolver_.errors["hub.test"] = sys::dns::Error::timeout;
  EXPECT_EQ(outcome(),
            "deferred 451 4.4.3 the DNS gives no answer for the mail hosts of smtp://hub.test:587: timeout");
}

TEST_F(HostsTest, ARouteWithTermsOfItsOwnIsASiteOfItsOwn) {
  resolver_.exchanges["there.test"] = {{10, "a.test"}};
  resolver_.hosts["a.test"] = {"192.0.2.1"};
  config_->delivery.concurrency = 7;
  route_.pattern = "there.test";
  EXPECT_EQ(find()->site.concurrency, 7u);
  EXPECT_EQ(site(), "a.test");
  route_.max_per_minute = 30;
  EXPECT_EQ(site(), "a.test (route there.test)");
  EXPECT_EQ(find()->site.max_per_minute, 30u);
  route_.concurrency = 2;
  route_.via = config::ViaLmtp{{}, 24, "/run/lmtp.sock"};
  EXPECT_EQ(site(), "lmtp:/run/lmtp.sock (route there.test)");
  EXPECT_EQ(find()->site.concurrency, 2u);
}

// Answers when it is told to.
struct SlowResolver final : sys::Resolver {
  void a(std::string, base::Milliseconds within, sys::dns::Done<base::IpAddress> done) override {
    withins.push_back(within);
    addresses.push_back(std::move(done));
  }
  void aaaa(std::string name, base::Milliseconds within, sys::dns::Done<base::IpAddress> done) override {
    a(std::move(name), within, std::move(done));
  }
  void mx(std::string, base::Milliseconds within, sys::dns::Done<sys::dns::Mx> done) override {
    withins.push_back(within);
    exchanges.push_back(std::move(done));
  }
  void ptr(base::IpAddress, base::Milliseconds, sys::dns::Done<std::string>) override {}
  void txt(std::string, base::Milliseconds, sys::dns::Done<std::string>) override {}

  void answer_addresses() {
    for (auto& done : std::exchange(addresses, {}))
      done(sys::dns::Answer<base::IpAddress>{{ip("192.0.2.1")}, ttl});
  }
  void answer_exchanges() {
    for (auto& done : std::exchange(exchanges, {}))
      done(sys::dns::Answer<sys::dns::Mx>{{{10, "a.test"}}, ttl});
  }
  void answer() {
    answer_exchanges();
    answer_addresses();
  }
  std::chrono::seconds ttl{60};
  std::vector<base::Milliseconds> withins;
  std::vector<sys::dns::Done<base::IpAddress>> addresses;
  std::vector<sys::dns::Done<sys::dns::Mx>> exchanges;
};

class HostFinderTest : public testing::Test {
 protected:
  void ask(std::string_view host = "there.test") {
    finder_.find({domain(host), route_}, [this](FoundHosts found) { found_.push_back(std::move(found)); });
  }
  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>(domain("mx.here.test"));
  std::shared_ptr<config::Route> route_ = std::make_shared<config::Route>();
  SlowResolver resolver_;
  sys::fake::Clock clock_;
  sys::fake::Random random_;
  std::vector<FoundHosts> found_;
  HostFinder finder_{
      {.resolver = resolver_, .clock = clock_, .random = random_, .config = [this] { return config_; }}};
};

TEST_F(HostFinderTest, OneQuestionAnswersAllWhoAskAtOnce) {
  ask();
  route_ = std::make_shared<config::Route>();
  route_->pattern = "there.test";
  route_->helo = "other";
  ask();
  EXPECT_EQ(resolver_.exchanges.size(), 1u);
  resolver_.answer();
  ASSERT_EQ(found_.size(), 2u);
  EXPECT_EQ(found_[0]->site.name, "a.test");
  EXPECT_EQ(found_[1]->site.name, "a.test (route there.test)");
}

TEST_F(HostFinderTest, AnAnswerIsKeptForItsTtl) {
  ask();
  resolver_.answer();
  clock_.advance(std::chrono::seconds(59));
  ask();
  EXPECT_EQ(found_.size(), 2u);
  clock_.advance(std::chrono::seconds(1));
  ask();
  EXPECT_EQ(found_.size(), 2u);
  resolver_.ttl = std::chrono::hours(1);
  resolver_.answer();
  clock_.advance(std::chrono::minutes(5) - std::chrono::seconds(1));
  ask();
  EXPECT_EQ(found_.size(), 4u);
  clock_.advance(std::chrono::seconds(1));
  ask();
  EXPECT_EQ(found_.size(), 4u);
  EXPECT_EQ(resolver_.exchanges.size(), 1u);
}

TEST_F(HostFinderTest, TheLeastTtlOfAllAnswersCounts) {
  ask();
  resolver_.answer_exchanges();
  resolver_.addresses[0](sys::dns::Answer<base::IpAddress>{{ip("192.0.2.1")}, std::chrono::seconds(20)});
  resolver_.addresses[1](sys::dns::Answer<base::IpAddress>{{ip("2001:db8::1")}, std::chrono::seconds(40)});
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_EQ(found_[0]->ttl, std::chrono::seconds(20));
}

TEST_F(HostFinderTest, AFailureIsKeptForTenSeconds) {
  ask();
  resolver_.exchanges[0](std::unexpected(sys::dns::Failure{sys::dns::Error::servfail, false, {}}));
  clock_.advance(std::chrono::milliseconds(9999));
  ask();
  ASSERT_EQ(found_.size(), 2u);
  EXPECT_EQ(found_[1].error().reply.enhanced, (mail::EnhancedCode{4, 4, 3}));
  clock_.advance(std::chrono::milliseconds(1));
  ask();
  EXPECT_EQ(found_.size(), 2u);
}

TEST_F(HostFinderTest, AllLookUpsOfAQuestionHaveOneDeadline) {
  ask();
  clock_.advance(std::chrono::seconds(12));
  resolver_.answer();
  EXPECT_THAT(resolver_.withins,
              ElementsAre(std::chrono::seconds(30), std::chrono::seconds(18), std::chrono::seconds(18)));
}

TEST_F(HostFinderTest, NeverHasMoreQuestionsOpenThanTheResolverTakes) {
  for (std::size_t i = 0; i < HostLookup::kQuestions + 2; ++i) ask("d" + std::to_string(i) + ".test");
  EXPECT_EQ(resolver_.exchanges.size(), HostLookup::kQuestions);
  clock_.advance(std::chrono::seconds(20));
  const auto end_one = [this] {
    auto done = std::move(resolver_.exchanges.back());
    resolver_.exchanges.pop_back();
    done(std::unexpected(sys::dns::Failure{sys::dns::Error::nxdomain, false, {}}));
  };
  end_one();
  EXPECT_EQ(resolver_.exchanges.size(), HostLookup::kQuestions);
  EXPECT_EQ(resolver_.withins.back(), std::chrono::seconds(10));
  clock_.advance(std::chrono::seconds(10));
  end_one();
  EXPECT_EQ(resolver_.exchanges.size(), HostLookup::kQuestions - 1);
  ASSERT_EQ(found_.size(), 3u);
  EXPECT_EQ(found_[1].error().reply.text, "the DNS gives no answer for the mail hosts of d401.test: timeout");
}

TEST_F(HostFinderTest, WhoWaitsAtTheEndIsAnswered) {
  ask("a.test");
  resolver_.answer_exchanges();
  ask("b.test");
  finder_.close();
  ASSERT_EQ(found_.size(), 2u);
  for (const auto& found : found_) EXPECT_EQ(found.error().reply, mail::reply(451, 3, 2, "shutting down"));
  resolver_.answer();
  EXPECT_EQ(found_.size(), 2u);
}

}  // namespace
}  // namespace postrider::deliver
