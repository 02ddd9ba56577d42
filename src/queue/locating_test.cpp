#include "queue/locating.hpp"

#include <gmock/gmock.h>

#include <utility>

namespace postrider::queue {
namespace {

using ::testing::ElementsAre;

// Answers by the name: silence.test never, trouble.test with an outcome, all others as sites of their own, but all
// of .shared.test as one.
class FakeCourier final : public Courier {
 public:
  void locate(const Destination& destination, std::move_only_function<void(Located)> done) override {
    const std::string name = mail::to_ascii(destination.host);
    most = std::max(most, ++asked - answered);
    if (name == "silence.test") {
      silent.push_back(std::move(done));
      return;
    }
    ++answered;
    if (name == "trouble.test")
      return done(std::unexpected(
          mail::Outcome{.action = trouble, .reply = {}, .relay = {}, .detail = {}, .at = {}}));
    done(Site{.name = name.ends_with(".shared.test") ? "shared" : name});
  }
  void deliver(Job, std::move_only_function<void(Report)>) override { std::abort(); }

  std::vector<std::move_only_function<void(Located)>> silent;
  std::size_t asked = 0, answered = 0, most = 0;
  mail::Action trouble = mail::Action::deferred;
};

class Locating : public ::testing::Test {
 protected:
  std::vector<Whereto> all(const std::vector<std::string>& names) {
    std::vector<Whereto> made;
    for (const auto& name : names)
      made.push_back({name, &courier, {.host = mail::Address::parse("a@" + name)->host(), .route = route}});
    return made;
  }
  FakeCourier courier;
  std::shared_ptr<const config::Route> route = std::make_shared<config::Route>();
};

TEST_F(Locating, GivesThoseThatLeadToTheSite) {
  const auto found = locate_all(all({"a.shared.test", "b.test", "c.shared.test"}), "shared");
  EXPECT_THAT(found.names, ElementsAre("a.shared.test", "c.shared.test"));
  EXPECT_EQ(found.not_told, 0u);
}

TEST_F(Locating, CountsWhatCannotBeToldNow) {
  EXPECT_EQ(locate_all(all({"trouble.test", "b.test"}), "b.test").not_told, 1u);
  courier.trouble = mail::Action::failed;
  EXPECT_EQ(locate_all(all({"trouble.test", "b.test"}), "b.test").not_told, 0u);
}

TEST_F(Locating, AsksFewAtATimeAndEndsInTime) {
  const auto found = locate_all(all({"b.test", "silence.test", "silence.test", "b.test"}), "b.test",
                                {.at_a_time = 2, .deadline = base::Milliseconds(20)});
  EXPECT_THAT(found.names, ElementsAre("b.test"));
  EXPECT_EQ(found.not_told, 3u);
  EXPECT_EQ(courier.most, 2u);
  for (auto& late : courier.silent) late(Site{.name = "b.test"});
}

}  // namespace
}  // namespace postrider::queue
