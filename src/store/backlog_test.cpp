// What waits, as the scheduler sees it: by destination.
#include "store/backlog.hpp"

#include <gmock/gmock.h>

#include "store/testing/blocking_spool.hpp"
#include "store/testing/power_vfs.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using base::Milliseconds;
using base::UtcTime;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class BacklogTest : public ::testing::Test {
 protected:
  BacklogTest() {
    PowerVfs::instance().watch({});
    open();
  }
  void open() {
    spool_.reset();
    spool_ = Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = 0, .vfs = PowerVfs::kName},
                         clock_)
                 .value();
  }
  UtcTime at(std::int64_t milliseconds) const { return start_ + Milliseconds(milliseconds); }
  // On the disk, owned by nobody.
  base::MessageId wait(const std::vector<std::pair<std::string, UtcTime>>& to) {
    std::vector<mail::Recipient> recipients;
    for (const auto& [address, due] : to) recipients.push_back(recipient(address, due));
    const auto id = put(*spool_, "hi", envelope(std::move(recipients))).value();
    for (std::uint32_t i = 0; i < to.size(); ++i) spool_->unclaim({{id, i}});
    return id;
  }
  ClaimedPage claim_of(std::string destination, std::size_t limit = 100,
                       UtcTime due_before = UtcTime::max()) {
    return claim(*spool_, {.owner = "me",
                           .destination = std::move(destination),
                           .due_before = due_before,
                           .limit = limit,
                           .lease = std::chrono::hours(1)})
        .value();
  }
  std::vector<std::pair<std::string, std::int64_t>> known(std::string after = "",
                                                          std::size_t limit = SIZE_MAX) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    for (const auto& [destination, due] : destinations(*spool_, std::move(after), limit).value())
      found.emplace_back(destination, (due - start_).count());
    return found;
  }
  static std::vector<base::MessageId> ids(const ClaimedPage& page) {
    std::vector<base::MessageId> found;
    for (const Claimed& message : page.messages) found.push_back(message.id);
    return found;
  }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
  const UtcTime start_ = clock_.utc();
  std::unique_ptr<Spool> spool_;
};

TEST_F(BacklogTest, ListsEachDestinationByNameWithItsEarliestDueTime) {
  wait({{"a@y.example", at(9)}, {"b@x.example", at(5)}, {"c@y.example", at(3)}});
  wait({{"d@[192.0.2.1]", at(7)},
        {"e@b\xc3\xbc"
         "cher.example",
         at(8)}});
  EXPECT_THAT(known(), ElementsAre(Pair("[192.0.2.1]", 7), Pair("x.example", 5),
                                   Pair("xn--bcher-kva.example", 8), Pair("y.example", 3)));
  EXPECT_THAT(known("x.example", 1), ElementsAre(Pair("xn--bcher-kva.example", 8)));
  EXPECT_THAT(known("y.example"), IsEmpty());
  EXPECT_THAT(known("", 0), IsEmpty());
}

TEST_F(BacklogTest, ListsADestinationOfManyRecipientsOnceAndOnlyWithWhatNobodyOwns) {
  for (int i = 0; i < 60; ++i) wait({{"a@x.example", at(i)}, {"a@y.example", at(i)}, {"a@z.example", at(i)}});
  EXPECT_THAT(claim_of("x.example", 30).messages, SizeIs(30));
  EXPECT_THAT(claim_of("y.example").messages, SizeIs(60));
  EXPECT_THAT(known(), ElementsAre(Pair("x.example", 30), Pair("z.example", 0)));
  open();
  EXPECT_THAT(known(), ElementsAre(Pair("x.example", 0), Pair("y.example", 0), Pair("z.example", 0)));
}

TEST_F(BacklogTest, ClaimsOfOneDestinationOldestDueFirst) {
  const auto late = wait({{"a@x.example", at(9)}, {"b@y.example", at(1)}});
  const auto early = wait({{"c@x.example", at(5)}, {"d@x.example", at(10)}});
  const ClaimedPage page = claim_of("x.example");
  EXPECT_THAT(ids(page), ElementsAre(early, late));
  EXPECT_THAT(page.messages[0].recipients, ElementsAre(0, 1));
  EXPECT_THAT(page.messages[1].recipients, ElementsAre(0));
  EXPECT_EQ(page.next_due, std::nullopt);
  EXPECT_THAT(known(), ElementsAre(Pair("y.example", 1)));
}

TEST_F(BacklogTest, TellsWhatIsDueNextBehindThePage) {
  for (int i = 0; i < 5; ++i) wait({{"a@x.example", at(i * 10)}});
  const ClaimedPage two = claim_of("x.example", 2);
  EXPECT_THAT(two.messages, SizeIs(2));
  EXPECT_EQ(two.next_due, at(20));
  const ClaimedPage due = claim_of("x.example", 100, at(30));
  EXPECT_THAT(due.messages, SizeIs(1)) << "due before, not at the time itself";
  EXPECT_EQ(due.next_due, at(30));
  EXPECT_THAT(claim_of("x.example", 0).messages, IsEmpty());
  EXPECT_EQ(claim_of("x.example", 0).next_due, at(30));
  EXPECT_EQ(claim_of("nowhere.example").next_due, std::nullopt);
}

TEST_F(BacklogTest, FindsAgainWhatWasGivenBackOrMadeDueEarlier) {
  const auto first = wait({{"a@x.example", at(1)}});
  const auto second = wait({{"a@x.example", at(2)}});
  const auto third = wait({{"a@x.example", at(3)}});
  claim_of("x.example", 2);
  spool_->unclaim({{first, 0}});
  EXPECT_THAT(known(), ElementsAre(Pair("x.example", 1)));
  RecipientUpdate retry{.id = {third, 0}, .due = at(0)};
  retry.attempted = false;
  ASSERT_TRUE(record(*spool_, {retry}));  // nobody owned it
  const ClaimedPage page = claim_of("x.example");
  EXPECT_THAT(ids(page), ElementsAre(third, first));
  EXPECT_EQ(page.messages[0].envelope->recipients[0].attempts, 0u);
  ASSERT_TRUE(record(*spool_, {deferred({second, 0}, at(50))}));
  EXPECT_EQ(claim_of("x.example", 0).next_due, at(50));
}

TEST_F(BacklogTest, ClaimsExactlyThoseThatAreNamedAndNoneThatIsOwnedOrGone) {
  const auto first = wait({{"a@x.example", at(1)}, {"b@y.example", at(2)}});
  const auto second = wait({{"a@x.example", at(3)}});
  const auto third = wait({{"a@x.example", at(4)}});
  ASSERT_THAT(ids(claim_of("x.example", 1)), ElementsAre(first));
  const ClaimedPage page = claim(*spool_, {.owner = "me",
                                           .lease = std::chrono::hours(1),
                                           .only = {{first, 0}, {first, 1}, {third, 0}, {third, 7}}})
                               .value();
  EXPECT_THAT(ids(page), ElementsAre(first, third));
  EXPECT_THAT(page.messages[0].recipients, ElementsAre(1));
  EXPECT_FALSE(page.next_due);
  EXPECT_THAT(ids(claim_of("x.example")), ElementsAre(second));
  EXPECT_THAT(ids(claim_of("y.example")), IsEmpty());
}

TEST_F(BacklogTest, ClaimsFromADueTimeOnAndLeavesWhatIsDueBefore) {
  const auto soon = wait({{"a@x.example", at(1)}});
  const auto late = wait({{"a@x.example", at(5000)}});
  const auto later = wait({{"a@x.example", at(6000)}});
  ClaimRequest request{.owner = "me",
                       .destination = "x.example",
                       .limit = 1,
                       .lease = std::chrono::hours(1),
                       .due_from = at(4000)};
  const ClaimedPage page = claim(*spool_, request).value();
  EXPECT_THAT(ids(page), ElementsAre(late));
  EXPECT_EQ(page.next_due, at(6000));
  EXPECT_THAT(ids(claim_of("x.example")), ElementsAre(soon, later));
}

TEST_F(BacklogTest, NamesTheDestinationsThatHaveSomethingDueFromATimeOn) {
  wait({{"a@x.example", at(1)}, {"a@y.example", at(5000)}, {"b@y.example", at(2)}, {"a@z.example", at(7)}});
  wait({{"a@x.example", at(9000)}});
  Answer<base::Result<std::vector<DestinationDue>>> answer;
  spool_->destinations({.limit = 100, .due_from = at(5000)}, answer.completion());
  const auto found = answer.wait().value();
  std::vector<std::string> names;
  for (const auto& one : found) names.push_back(one.destination);
  EXPECT_THAT(names, ElementsAre("x.example", "y.example"));
}

TEST_F(BacklogTest, GivesWhatWaitsByItsAgeWhoeverOwnsIt) {
  std::vector<base::MessageId> sent;
  for (int i = 0; i < 4; ++i) {
    sent.push_back(wait({{"a@x.example", at(1000 - i)}, {"b@y.example", at(1)}}));
    clock_.advance(Milliseconds(10));
  }
  ASSERT_TRUE(record(*spool_, {delivered({sent[1], 0})}));
  claim_of("x.example", 1);
  const AgedPage page =
      aged(*spool_, {.after = {sent[0], 0}, .before = sent[3].time(), .limit = 100}).value();
  std::vector<RecipientId> found;
  for (const Aged& row : page.rows) found.push_back(row.id);
  EXPECT_THAT(found, ElementsAre(RecipientId{sent[0], 1}, RecipientId{sent[1], 1}, RecipientId{sent[2], 0},
                                 RecipientId{sent[2], 1}));
  EXPECT_EQ(page.rows[0].destination, "y.example");
  EXPECT_FALSE(page.rows[0].warned);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.next, sent[3].time());
  const AgedPage part = aged(*spool_, {.after = {}, .limit = 3}).value();
  EXPECT_THAT(part.rows, SizeIs(3));
  EXPECT_TRUE(part.more);
}

// RFC 2852
TEST_F(BacklogTest, TellsByItsAgeWhatIsToGoBackByATimeAlsoAfterAnAttempt) {
  auto returned = envelope({recipient("a@x.example", at(1)), recipient("b@x.example", at(1))});
  returned.deliver_by = at(500);
  const auto first = put(*spool_, "hi", returned).value();
  auto told = returned;
  told.deliver_by_notify = true;
  put(*spool_, "hi", told).value();
  put(*spool_, "hi", envelope({recipient("c@x.example", at(1))})).value();
  ASSERT_TRUE(record(*spool_, {{.id = {first, 1}, .due = at(2)}}));
  open();
  std::vector<std::optional<base::UtcTime>> times;
  const AgedPage page = aged(*spool_, {.after = {}, .limit = 100}).value();
  for (const Aged& row : page.rows) times.push_back(row.back_by);
  EXPECT_THAT(times, ElementsAre(at(500), at(500), std::nullopt, std::nullopt, std::nullopt));
}

TEST_F(BacklogTest, OwnsFromTheCommitOnlyWhatWaits) {
  auto recipients = std::vector{recipient("a@x.example", at(1)), recipient("b@x.example", at(1)),
                                recipient("c@x.example", at(1))};
  recipients[1].state = mail::RecipientState::held;
  recipients[2].state = mail::RecipientState::untold;
  recipients[2].last = delivered({}).outcome;
  const auto id = put(*spool_, "hi", envelope(recipients)).value();
  EXPECT_THAT(known(), IsEmpty());
  EXPECT_EQ(spool_->statistics().recipients, 3u);
  open();
  const ClaimedPage page = claim_of("x.example");
  ASSERT_THAT(ids(page), ElementsAre(id));
  EXPECT_THAT(page.messages[0].recipients, ElementsAre(0));
  EXPECT_EQ(page.messages[0].envelope->recipients, recipients);
}

TEST_F(BacklogTest, WritesOfAnUpdateWhatItHoldsAndNothingElse) {
  const auto id = wait({{"a@x.example", at(5)}});
  ASSERT_TRUE(record(*spool_, {deferred({id, 0}, at(7))}));
  RecipientUpdate held{.id = {id, 0}, .state = mail::RecipientState::held, .due = at(99)};
  held.attempted = false;
  ASSERT_TRUE(record(*spool_, {held}));
  EXPECT_THAT(known(), IsEmpty());
  EXPECT_THAT(claim_of("x.example").messages, IsEmpty());
  RecipientUpdate released{.id = {id, 0}, .due = at(6)};
  released.attempted = false;
  ASSERT_TRUE(record(*spool_, {released}));
  const ClaimedPage page = claim_of("x.example");
  ASSERT_THAT(page.messages, SizeIs(1));
  const mail::Recipient& found = page.messages[0].envelope->recipients[0];
  EXPECT_EQ(found.attempts, 1u);
  EXPECT_EQ(found.due, at(6));
  EXPECT_EQ(found.last, deferred({}, {}).outcome);
}

TEST_F(BacklogTest, KeepsSuspensionsUntilTheyAreResumed) {
  Suspension site{.what = Suspension::What::site,
                  .pattern = "mx.example.net",
                  .until = at(1'000'000),
                  .reason = "they asked for it",
                  .made = at(0)};
  Suspension all{.what = Suspension::What::all, .pattern = "", .until = {}, .reason = "", .made = at(1)};
  site.id = suspend(*spool_, site).value();
  all.id = suspend(*spool_, all).value();
  EXPECT_THAT(suspensions(*spool_).value(), ElementsAre(site, all));
  open();
  EXPECT_THAT(suspensions(*spool_).value(), ElementsAre(site, all));
  ASSERT_TRUE(resume(*spool_, all.id));
  ASSERT_TRUE(resume(*spool_, all.id));
  EXPECT_THAT(suspensions(*spool_).value(), ElementsAre(site));
  open();
  const auto next = suspend(*spool_, all).value();
  EXPECT_GT(next, all.id) << "an id does not come twice";
}

}  // namespace
}  // namespace postrider::store
