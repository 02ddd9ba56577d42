// Recipients that have their end, and senders who hear of it.
#include <gmock/gmock.h>

#include <array>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "store/testing/power_vfs.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using base::Milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ToldTest : public ::testing::Test {
 protected:
  ToldTest() {
    PowerVfs::instance().watch({});
    open();
  }
  void open() {
    spool_.reset();
    spool_ = Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = 0, .vfs = PowerVfs::kName},
                         clock_)
                 .value();
  }
  static RecipientUpdate failed(RecipientId id) {
    mail::Outcome outcome;
    outcome.action = mail::Action::failed;
    outcome.reply = mail::reply(550, 5, 1, "no such user");
    return {.id = id, .state = mail::RecipientState::untold, .outcome = outcome};
  }
  base::MessageId send(int recipients) {
    std::vector<mail::Recipient> to;
    for (int i = 0; i < recipients; ++i) to.push_back(recipient("a@b.example", clock_.utc()));
    return put(*spool_, "hi", envelope(std::move(to))).value();
  }
  // A report that takes the place of what it tells of.
  base::Result<base::MessageId> report(Told told, std::size_t size = 10) {
    return put(*spool_, sample_body(size), envelope({recipient("alice@example.com", clock_.utc())}), {},
               std::move(told));
  }
  std::int64_t number(const char* sql) const {
    return Database((folder_.path() / "spool" / "spool.db").string(), nullptr, Database::Access::read_only)
        .number(sql);
  }
  static std::vector<base::MessageId> ids(const std::vector<Claimed>& messages) {
    std::vector<base::MessageId> found;
    for (const Claimed& message : messages) found.push_back(message.id);
    return found;
  }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(ToldTest, CountsOpenRecipientsByTheirState) {
  const auto counts = [this] {
    const auto now = spool_->statistics();
    return std::array{now.recipients - now.held - now.untold, now.held, now.untold};
  };
  const auto id = send(5);
  EXPECT_EQ(counts(), (std::array<std::uint64_t, 3>{5, 0, 0}));
  auto held = deferred({id, 0}, clock_.utc());
  held.state = mail::RecipientState::held;
  ASSERT_TRUE(record(*spool_, {held, failed({id, 1}), failed({id, 2}), delivered({id, 3})}));
  EXPECT_EQ(counts(), (std::array<std::uint64_t, 3>{1, 1, 2}));
  ASSERT_TRUE(report({.ended = {{id, 1}}, .warned = {}}));
  EXPECT_EQ(counts(), (std::array<std::uint64_t, 3>{2, 1, 1}));  // the report waits, too
  ASSERT_TRUE(record(*spool_, {deferred({id, 0}, clock_.utc()), delivered({id, 2}), delivered({id, 2})}));
  EXPECT_EQ(counts(), (std::array<std::uint64_t, 3>{3, 0, 0}));
  held.id = {id, 4};
  ASSERT_TRUE(record(*spool_, {held}));
  open();
  EXPECT_EQ(counts(), (std::array<std::uint64_t, 3>{2, 1, 0}));
  // A record that can't be read goes with the state that it had.
  Database((folder_.path() / "spool" / "spool.db").string(), nullptr, Database::Access::read_write)
      .execute("UPDATE message SET envelope = x'01ff'");
  ASSERT_TRUE(claim(*spool_, base::UtcTime::max()).value().empty());
  maintain(*spool_);  // behind what was reported
  EXPECT_EQ(counts(), (std::array<std::uint64_t, 3>{0, 0, 0}));
}

TEST_F(ToldTest, ListsMessagesWithUntoldRecipientsById) {
  const auto first = send(3);
  const auto none = send(1);
  const auto second = send(1);
  const auto third = send(1);
  ASSERT_TRUE(record(*spool_, {failed({third, 0}), failed({first, 2}), failed({second, 0}),
                               failed({first, 0}), deferred({none, 0}, clock_.utc())}));
  for (int run = 0; run < 2; ++run) {
    const auto all = untold(*spool_).value();
    EXPECT_THAT(ids(all), ElementsAre(first, second, third));
    EXPECT_THAT(all[0].recipients, ElementsAre(0, 2));
    EXPECT_EQ(all[0].envelope->recipients[2].last, failed({}).outcome);
    EXPECT_EQ(all[0].envelope->recipients[2].attempts, 1u);
    EXPECT_THAT(ids(untold(*spool_, {}, 2).value()), ElementsAre(first, second));
    EXPECT_THAT(ids(untold(*spool_, first, 1).value()), ElementsAre(second));
    EXPECT_THAT(untold(*spool_, third).value(), IsEmpty());
    open();
  }
  EXPECT_THAT(ids(claim(*spool_, base::UtcTime::max()).value()), ElementsAre(first, none))
      << "not those that ended";
}

TEST_F(ToldTest, PassesOverAMessageThatCannotBeReadAndFillsThePage) {
  const auto bad = send(1);
  const auto good = send(1);
  ASSERT_TRUE(record(*spool_, {failed({bad, 0}), failed({good, 0})}));
  Database((folder_.path() / "spool" / "spool.db").string(), nullptr, Database::Access::read_write)
      .execute(("UPDATE message SET envelope = x'01ff' WHERE id = " + std::to_string(bad.value)).c_str());
  EXPECT_THAT(ids(untold(*spool_, {}, 1).value()), ElementsAre(good));
  maintain(*spool_);  // behind what was reported
  EXPECT_EQ(spool_->statistics().quarantined, 1u);
  EXPECT_THAT(ids(untold(*spool_).value()), ElementsAre(good));
}

TEST_F(ToldTest, EndsWithTheReportThatTellsIt) {
  const auto one = send(2);
  const auto other = send(1);
  ASSERT_TRUE(record(*spool_, {failed({one, 0}), failed({other, 0})}));
  EXPECT_EQ(spool_->statistics().messages, 2u);
  const auto sent = report({.ended = {{one, 0}, {other, 0}}, .warned = {}}).value();
  EXPECT_THAT(untold(*spool_).value(), IsEmpty());
  EXPECT_EQ(spool_->statistics().messages, 2u) << "the report, and what still has a recipient";
  EXPECT_EQ(spool_->statistics().recipients, 2u);
  EXPECT_FALSE(read_all(*spool_, other));
  EXPECT_EQ(number("SELECT count(*) FROM message"), 2);
  EXPECT_TRUE(read_all(*spool_, one));
  EXPECT_TRUE(read_all(*spool_, sent));
  open();
  EXPECT_EQ(spool_->statistics().messages, 2u);
  EXPECT_EQ(spool_->statistics().recipients, 2u);
}

TEST_F(ToldTest, LeavesWhatHasNotEndedToItsNextAttempt) {
  const auto id = send(2);
  ASSERT_TRUE(record(*spool_, {failed({id, 0})}));
  ASSERT_TRUE(report({.ended = {{id, 0}, {id, 1}, {id, 7}}, .warned = {}}));
  EXPECT_EQ(spool_->statistics().recipients, 2u);
  EXPECT_TRUE(read_all(*spool_, id));
}

TEST_F(ToldTest, WritesNoReportWhereNothingIsLeftToTellOf) {
  const auto id = send(1);
  ASSERT_TRUE(record(*spool_, {failed({id, 0})}));
  ASSERT_TRUE(record(*spool_, {{.id = {id, 0}, .state = std::nullopt}}));  // by an operator
  EXPECT_FALSE(report({.ended = {{id, 0}}, .warned = {}}));
  EXPECT_EQ(spool_->statistics().messages, 0u);
  EXPECT_EQ(number("SELECT count(*) FROM message"), 0);
}

TEST_F(ToldTest, ChangesNothingWhereTheReportCannotBeWritten) {
  const auto id = send(2);
  ASSERT_TRUE(record(*spool_, {failed({id, 0})}));
  PowerVfs::instance().watch(folder_.path() / "spool");
  open();
  PowerVfs::instance().fill_disk(true);
  EXPECT_EQ(report({.ended = {{id, 0}}, .warned = {{id, 1}}}, 300'000).error().code,
            (base::EnhancedCode{4, 3, 1}));
  PowerVfs::instance().fill_disk(false);
  EXPECT_THAT(ids(untold(*spool_).value()), ElementsAre(id));
  EXPECT_EQ(spool_->statistics().recipients, 2u);
  EXPECT_FALSE(claim(*spool_, base::UtcTime::max()).value().at(0).envelope->recipients[1].warned);
}

TEST_F(ToldTest, RemembersWhoWasWarnedAndLetsItWait) {
  const auto id = send(2);
  ASSERT_TRUE(
      record(*spool_, {deferred({id, 0}, clock_.utc() + Milliseconds(5)), deferred({id, 1}, clock_.utc())}));
  const auto due = clock_.utc() + Milliseconds(6);
  ASSERT_THAT(claim(*spool_, due).value(), SizeIs(1));
  ASSERT_TRUE(report({.ended = {}, .warned = {{id, 0}}}));
  EXPECT_THAT(destinations(*spool_).value(), IsEmpty()) << "it is owned as before";
  spool_->unclaim({{id, 0}, {id, 1}});
  const auto again = claim(*spool_, due).value();
  ASSERT_THAT(again, SizeIs(1));
  const mail::Recipient& warned = again[0].envelope->recipients[0];
  EXPECT_TRUE(warned.warned);
  EXPECT_EQ(warned.attempts, 1u);
  EXPECT_EQ(warned.due, clock_.utc() + Milliseconds(5));
  EXPECT_FALSE(again[0].envelope->recipients[1].warned);
  ASSERT_TRUE(record(*spool_, {deferred({id, 0}, clock_.utc())}));
  open();
  EXPECT_TRUE(claim(*spool_, due).value().at(0).envelope->recipients[0].warned);
}

TEST_F(ToldTest, IsNotBroughtBackByAnOutcomeThatComesLate) {
  const auto id = send(1);
  ASSERT_TRUE(record(*spool_, {failed({id, 0})}));
  ASSERT_TRUE(record(*spool_, {deferred({id, 0}, clock_.utc())}));
  EXPECT_THAT(destinations(*spool_).value(), IsEmpty());
  const auto messages = untold(*spool_).value();
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].envelope->recipients[0].attempts, 1u);
  EXPECT_EQ(messages[0].envelope->recipients[0].last, failed({}).outcome);
}

TEST_F(ToldTest, GoesWithoutAReportWhereNothingIsToBeSaid) {
  const auto id = send(1);
  ASSERT_TRUE(record(*spool_, {failed({id, 0})}));
  ASSERT_TRUE(record(*spool_, {{.id = {id, 0}, .state = std::nullopt, .outcome = {}}}));
  EXPECT_THAT(untold(*spool_).value(), IsEmpty());
  EXPECT_EQ(spool_->statistics().messages, 0u);
  EXPECT_FALSE(read_all(*spool_, id));
}

}  // namespace
}  // namespace postrider::store
