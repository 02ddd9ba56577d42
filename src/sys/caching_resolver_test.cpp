#include "sys/caching_resolver.hpp"

#include <gtest/gtest.h>

#include "sys/dns_breaker.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::sys {
namespace {

using namespace std::chrono_literals;

// Answers when it is told to, with what it was asked for: TXT, and A, as control questions ask for.
struct SlowResolver final : Resolver {
  std::vector<std::string> asked, controls;
  std::vector<dns::Done<std::string>> open;
  std::vector<dns::Done<base::IpAddress>> open_controls;
  void a(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) override {
    EXPECT_EQ(within, DnsBreaker::kControl);
    controls.push_back(std::move(name));
    open_controls.push_back(std::move(done));
  }
  void aaaa(std::string, base::Milliseconds, dns::Done<base::IpAddress>) override { FAIL(); }
  void mx(std::string, base::Milliseconds, dns::Done<dns::Mx>) override { FAIL(); }
  void ptr(base::IpAddress, base::Milliseconds, dns::Done<std::string>) override { FAIL(); }
  void txt(std::string name, base::Milliseconds, dns::Done<std::string> done) override {
    asked.push_back(std::move(name));
    open.push_back(std::move(done));
  }
};

struct CachingResolverTest : ::testing::Test {
  fake::Clock clock;
  fake::Resolver dns;  // all it says is good for 300 s
  CachingResolver cache{dns, clock, "mx.test"};
  SlowResolver slow;
  CachingResolver before_slow{slow, clock, "mx.test"};

  // Its text, or the error.
  std::string txt(const std::string& name) {
    std::string told = "nothing";
    cache.txt(name, 1s, [&](dns::Result<std::string> answer) {
      told = answer ? answer->records.at(0) : std::string(to_string(answer.error().error));
    });
    return told;
  }
};

TEST_F(CachingResolverTest, AsksOnceForAsLongAsAnAnswerIsGood) {
  dns.texts["one.test"] = {"first"};
  EXPECT_EQ(txt("one.test"), "first");
  dns.texts["one.test"] = {"second"};
  EXPECT_EQ(txt("One.Test."), "first");
  EXPECT_EQ(dns.asked, 1);
  clock.advance(299s);
  EXPECT_EQ(txt("one.test"), "first");
  clock.advance(1s);
  EXPECT_EQ(txt("one.test"), "second");
}

TEST_F(CachingResolverTest, TellsWhatIsLeftOfAnAnswersTimeToLive) {
  dns.texts["one.test"] = {"first"};
  std::chrono::seconds left{};
  const auto ask = [&] {
    cache.txt("one.test", 1s, [&](const dns::Result<std::string>& answer) { left = answer->ttl; });
    return left;
  };
  EXPECT_EQ(ask(), 300s);
  EXPECT_EQ(ask(), 300s);
  clock.advance(120s);
  EXPECT_EQ(ask(), 180s);
  clock.advance(179500ms);
  EXPECT_EQ(ask(), 0s);
}

TEST_F(CachingResolverTest, KeepsWhatIsNotThereForAShortTime) {
  EXPECT_EQ(txt("one.test"), "nxdomain");
  dns.texts["one.test"] = {"here"};
  clock.advance(29s);
  EXPECT_EQ(txt("one.test"), "nxdomain");
  clock.advance(1s);
  EXPECT_EQ(txt("one.test"), "here");
}

TEST_F(CachingResolverTest, KeepsNoTrouble) {
  dns.errors["one.test"] = dns::Error::servfail;
  EXPECT_EQ(txt("one.test"), "servfail");
  dns.errors.clear();
  dns.texts["one.test"] = {"here"};
  EXPECT_EQ(txt("one.test"), "here");
}

TEST_F(CachingResolverTest, TellsTypesApart) {
  dns.texts["192.0.2.1"] = {"text"};
  dns.hosts["one.test"] = {"192.0.2.1", "2001:db8::1"};
  dns.exchanges["one.test"] = {{10, "mx.one.test"}};
  dns.pointers["192.0.2.1"] = {"one.test"};
  for (int i = 0; i < 2; ++i) {
    cache.a("one.test", 1s, [](auto answer) { EXPECT_TRUE(answer->records.at(0).is_v4()); });
    cache.aaaa("one.test", 1s, [](auto answer) { EXPECT_FALSE(answer->records.at(0).is_v4()); });
    cache.mx("one.test", 1s, [](auto answer) { EXPECT_EQ(answer->records.at(0).exchange, "mx.one.test"); });
    cache.ptr(*base::IpAddress::parse("192.0.2.1"), 1s,
              [](auto answer) { EXPECT_EQ(answer->records.at(0), "one.test"); });
    EXPECT_EQ(txt("192.0.2.1"), "text");
    EXPECT_EQ(dns.asked, 5);
  }
}

TEST_F(CachingResolverTest, SharesAQuestionThatIsOpen) {
  std::vector<std::string> heard;
  const auto hear = [&](dns::Result<std::string> answer) { heard.push_back(answer->records.at(0)); };
  before_slow.txt("one.test", 5s, hear);
  clock.advance(1s);
  before_slow.txt("ONE.test", 5s, hear);
  EXPECT_EQ(slow.asked.size(), 1u);
  // Who has less time than the question can't wait for it.
  before_slow.txt("one.test", 1s, hear);
  EXPECT_EQ(slow.asked.size(), 2u);
  slow.open[0](dns::Answer<std::string>{{"said"}, 60s, false});
  EXPECT_EQ(heard.size(), 2u);
  slow.open[1](dns::Answer<std::string>{{"said"}, 60s, false});
  EXPECT_EQ(heard.size(), 3u);
  before_slow.txt("one.test", 5s, hear);
  EXPECT_EQ(heard.size(), 4u);
}

// `slow` answers nothing until it is told to.
struct CachingResolverInSilence : CachingResolverTest {
  std::vector<std::string> heard;

  void ask(const std::string& name) {
    before_slow.txt(name, 20s, [this](const dns::Result<std::string>& answer) {
      heard.push_back(answer ? answer->records.at(0) : answer.error().text);
    });
  }
  void say_nothing(dns::Done<std::string> done) {
    done(std::unexpected(dns::Failure{dns::Error::servfail, false, "rcode 2"}));
  }
  // As many questions as it takes, of which each was waited for.
  void wait_in_vain() {
    for (std::size_t i = 0; i < DnsBreaker::kInVain; ++i) ask("n" + std::to_string(i) + ".test");
    clock.advance(14s);
    for (auto& done : std::exchange(slow.open, {})) say_nothing(std::move(done));
    EXPECT_EQ(std::exchange(heard, {}), std::vector<std::string>(DnsBreaker::kInVain, "rcode 2"));
  }
  void end_control(std::chrono::seconds after, const dns::Result<base::IpAddress>& answer) {
    clock.advance(after);
    std::exchange(slow.open_controls.back(), {})(answer);
  }
  void fall_silent() {
    wait_in_vain();
    ask("one.test");
    end_control(2s, std::unexpected(dns::Failure{dns::Error::timeout, false, "no answer in time"}));
    EXPECT_EQ(std::exchange(heard, {}), std::vector<std::string>{"no name server answers"})
        << "who asked before that was known";
  }
};

TEST_F(CachingResolverInSilence, NobodyWaitsForWhatIsNotKnown) {
  ask("known.test");
  std::exchange(slow.open, {}).at(0)(dns::Answer<std::string>{{"known"}, 300s, false});
  heard.clear();
  fall_silent();
  const auto asked = slow.asked.size();
  for (const char* name : {"one.test", "two.test", "known.test"}) ask(name);
  EXPECT_EQ(heard, (std::vector<std::string>{"no name server answers", "no name server answers", "known"}));
  EXPECT_EQ(slow.asked.size(), asked);
}

TEST_F(CachingResolverInSilence, TheFirstQuestionAfterARestIsAskedAndTheControlDecides) {
  fall_silent();
  clock.advance(DnsBreaker::kRest);
  ask("one.test");
  ask("two.test");
  EXPECT_TRUE(heard.empty());
  ASSERT_EQ(slow.controls.size(), 2u);
  EXPECT_NE(slow.controls[0], slow.controls[1]) << "what no cache knows";
  EXPECT_TRUE(slow.controls[1].ends_with(".mx.test")) << slow.controls[1];
  end_control(0s, std::unexpected(dns::Failure{dns::Error::nxdomain, false, "no such name"}));
  EXPECT_TRUE(heard.empty());
  slow.open.back()(dns::Answer<std::string>{{"said"}, 60s, false});
  ask("three.test");
  EXPECT_EQ(heard, std::vector<std::string>{"said"});
  EXPECT_EQ(slow.controls.size(), 2u);
}

TEST_F(CachingResolverInSilence, ALateFailureIsNotForThoseWhoAskedAfterIt) {
  fall_silent();
  ASSERT_EQ(slow.open.size(), 1u);
  clock.advance(DnsBreaker::kRest);
  ask("one.test");
  end_control(0s, std::unexpected(dns::Failure{dns::Error::nxdomain, false, "no such name"}));
  ASSERT_EQ(slow.open.size(), 2u) << "what was asked in vain is asked anew";
  say_nothing(std::move(slow.open[0]));
  EXPECT_TRUE(heard.empty());
  slow.open[1](dns::Answer<std::string>{{"said"}, 60s, false});
  EXPECT_EQ(heard, std::vector<std::string>{"said"});
}

TEST_F(CachingResolverInSilence, DeadZonesAloneSilenceNobody) {
  for (int i = 0; i < 3; ++i) {
    wait_in_vain();
    ask("one.test");
    end_control(0s, dns::Answer<base::IpAddress>{{*base::IpAddress::parse("192.0.2.1")}, 60s, false});
    std::exchange(slow.open, {}).at(0)(dns::Answer<std::string>{{"said"}, 0s, false});
    EXPECT_EQ(std::exchange(heard, {}), std::vector<std::string>{"said"});
  }
}

TEST_F(CachingResolverTest, HoldsNoMoreThanItMay) {
  dns.texts["large.test"] = {std::string(CachingResolver::kMostOctets, 'x')};
  txt("large.test");
  txt("large.test");
  EXPECT_EQ(dns.asked, 2);
  dns.texts["first.test"] = {"first"};
  txt("first.test");
  const auto fill = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) txt("n" + std::to_string(i) + ".test");
  };
  fill(0, CachingResolver::kAnswers - 1);
  const int asked = dns.asked;
  txt("first.test");
  EXPECT_EQ(dns.asked, asked) << "used just now";
  fill(CachingResolver::kAnswers, CachingResolver::kAnswers + 10);
  txt("first.test");
  EXPECT_EQ(dns.asked, asked + 10);
  txt("n0.test");
  EXPECT_EQ(dns.asked, asked + 11);
}

}  // namespace
}  // namespace postrider::sys
