#include "policy/inquiry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// Answers when it is told to.
struct SlowResolver final : sys::Resolver {
  std::vector<std::string> asked;
  std::vector<base::Milliseconds> within;
  std::vector<sys::dns::Done<std::string>> open;

  void a(std::string, base::Milliseconds, sys::dns::Done<base::IpAddress>) override { FAIL(); }
  void aaaa(std::string, base::Milliseconds, sys::dns::Done<base::IpAddress>) override { FAIL(); }
  void mx(std::string, base::Milliseconds, sys::dns::Done<sys::dns::Mx>) override { FAIL(); }
  void ptr(base::IpAddress, base::Milliseconds, sys::dns::Done<std::string>) override { FAIL(); }
  void txt(std::string name, base::Milliseconds time, sys::dns::Done<std::string> done) override {
    asked.push_back(std::move(name));
    within.push_back(time);
    open.push_back(std::move(done));
  }
  void answer(std::size_t i, std::string text) {
    open.at(i)(sys::dns::Answer<std::string>{{std::move(text)}, 1s, false});
  }
};

// A home thread whose turn comes when the test says so.
struct Home {
  std::deque<std::move_only_function<void()>> posted;
  Inquiry::Post post() {
    return [this](std::move_only_function<void()> what) { posted.push_back(std::move(what)); };
  }
  void work() {
    while (!posted.empty()) {
      auto next = std::move(posted.front());
      posted.pop_front();
      next();
    }
  }
};

struct InquiryTest : ::testing::Test {
  sys::fake::Clock clock;
  SlowResolver slow;
  Home home;
  int done = 0;
  std::shared_ptr<Inquiry> inquiry = Inquiry::make(slow, clock, home.post());
};

TEST_F(InquiryTest, AsksAllThatIsWantedAtOnceAndThenWhatThatLeadsTo) {
  std::string last;
  inquiry->run(
      20s,
      [&last](Lookups& lookups) {
        const TextAnswer* one = lookups.txt("one.example");
        const TextAnswer* two = lookups.txt("two.example");
        if (!one || !two) return false;
        const TextAnswer* three = lookups.txt((*one)->records[0] + (*two)->records[0]);
        if (!three) return false;
        last = (*three)->records[0];
        return true;
      },
      [this] { ++done; });
  EXPECT_THAT(slow.asked, ElementsAre("one.example", "two.example"));
  clock.advance(5s);
  slow.answer(1, "example");
  slow.answer(0, "three.");
  EXPECT_EQ(slow.asked.size(), 2u) << "nothing happens but at home";
  home.work();
  EXPECT_THAT(slow.asked, ElementsAre("one.example", "two.example", "three.example"));
  EXPECT_THAT(slow.within, ElementsAre(20s, 20s, 15s));
  EXPECT_EQ(done, 0);
  slow.answer(2, "found");
  home.work();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(last, "found");
}

TEST_F(InquiryTest, EndsAsSoonAsTheCheckIsContent) {
  inquiry->run(
      20s,
      [](Lookups& lookups) {
        const bool one = lookups.txt("one.example") != nullptr;
        const bool two = lookups.txt("two.example") != nullptr;
        return one || two;
      },
      [this] { ++done; });
  slow.answer(1, "enough");
  home.work();
  EXPECT_EQ(done, 1);
  slow.answer(0, "late");
  home.work();
  EXPECT_EQ(done, 1);
}

TEST_F(InquiryTest, AsksNothingAfterItsTime) {
  std::vector<sys::dns::Error> errors;
  inquiry->run(
      20s,
      [&errors](Lookups& lookups) {
        if (!lookups.txt("one.example")) return false;
        const auto* mx = lookups.mx("example");
        const auto* a = lookups.a("example");
        const auto* ptr = lookups.ptr({});
        if (!mx || !a || !ptr) return false;
        errors = {mx->error().error, a->error().error, ptr->error().error};
        return true;
      },
      [this] { ++done; });
  clock.advance(20s);
  slow.answer(0, "late");
  home.work();
  EXPECT_EQ(done, 1);
  EXPECT_THAT(errors, ::testing::Each(sys::dns::Error::timeout));
}

TEST_F(InquiryTest, LooksAgainWithMoreTimeWhenItIsTold) {
  bool enough = false;
  inquiry->run(
      20s,
      [&enough](Lookups& lookups) {
        return lookups.txt("one.example") && enough && lookups.txt("two.example");
      },
      [this] { ++done; });
  slow.answer(0, "one");
  home.work();
  clock.advance(60s);
  inquiry->look_again(5s);
  EXPECT_EQ(slow.asked.size(), 1u);
  enough = true;
  inquiry->look_again(5s);
  EXPECT_THAT(slow.within, ElementsAre(20s, 5s));
  slow.answer(1, "two");
  home.work();
  EXPECT_EQ(done, 1);
  inquiry->look_again(5s);
  EXPECT_EQ(done, 1);
}

TEST_F(InquiryTest, IsSilentOnceItIsLetGoOf) {
  inquiry->run(
      20s, [](Lookups& lookups) { return lookups.txt("one.example") != nullptr; }, [this] { ++done; });
  slow.answer(0, "too late");
  inquiry.reset();
  home.work();
  EXPECT_EQ(done, 0);
}

TEST_F(InquiryTest, MayBeLetGoOfByWhoItTells) {
  inquiry->run(
      20s, [](Lookups& lookups) { return lookups.txt("one.example") != nullptr; },
      [this] {
        inquiry.reset();
        ++done;
      });
  slow.answer(0, "");
  home.work();
  EXPECT_EQ(done, 1);
}

TEST_F(InquiryTest, BearsAnswersThatAreThereAtOnce) {
  sys::fake::Resolver quick;
  quick.texts["one.example"] = {"end.example"};
  quick.texts["end.example"] = {"end"};
  const auto at_once = Inquiry::make(quick, clock, [](auto what) { what(); });
  int depth = 0;
  at_once->run(
      20s,
      [&depth](Lookups& lookups) {
        EXPECT_EQ(++depth, 1);
        const TextAnswer* one = lookups.txt("one.example");
        const TextAnswer* two = lookups.txt("two.example");
        const TextAnswer* end = one ? lookups.txt((*one)->records[0]) : nullptr;
        --depth;
        return one && two && end;
      },
      [this] { ++done; });
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace postrider::policy
