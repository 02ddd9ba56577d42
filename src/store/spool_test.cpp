#include "store/spool.hpp"

#include <gmock/gmock.h>

#include "store/testing/blocking_spool.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using base::Milliseconds;
using base::UtcTime;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SpoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> open() {
    auto spool = Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = 0}, clock_);
    if (!spool) {
      ADD_FAILURE() << spool.error().log_text();
      std::abort();
    }
    return std::move(*spool);
  }
  UtcTime now() const { return clock_.utc(); }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
};

TEST_F(SpoolTest, GivesBackTheBytesTheEnvelopeAndTheEditsOfWhatWasCommitted) {
  auto spool = open();
  for (const std::size_t size : {0uz, 1uz, 4096uz, Draft::kChunkBytes, Draft::kChunkBytes + 1, 3'000'000uz}) {
    const std::string body = sample_body(size);
    mail::Envelope sent =
        envelope({recipient("bob@example.net", now()), recipient("eve@example.org", now())});
    const mail::Edits edits = {mail::PrependField{"Received: here\r\n"}, mail::RemoveField{3}};
    const auto id = put(*spool, body, sent, edits).value();
    EXPECT_EQ(read_all(*spool, id).value(), body);
    EXPECT_EQ(spool->edits(id).value(), edits);
    spool->unclaim({{id, 0}, {id, 1}});
    const auto claimed = claim(*spool, now() + Milliseconds(1)).value();
    ASSERT_EQ(claimed.size(), 1u);
    sent.size = size;
    EXPECT_EQ(claimed[0].id, id);
    EXPECT_EQ(*claimed[0].envelope, sent);
    EXPECT_THAT(claimed[0].recipients, ElementsAre(0, 1));
  }
}

TEST_F(SpoolTest, HasTheSameMailAfterARestart) {
  const std::string body = sample_body(1'000'000);
  const auto id = put(*open(), body, envelope({recipient("bob@example.net", now())})).value();
  auto spool = open();
  EXPECT_EQ(spool->statistics().messages, 1u);
  EXPECT_EQ(spool->statistics().recipients, 1u);
  EXPECT_EQ(read_all(*spool, id).value(), body);
  EXPECT_EQ(claim(*spool, now() + Milliseconds(1)).value().size(), 1u);
}

TEST_F(SpoolTest, ForgetsAMessageWithItsLastRecipient) {
  auto spool = open();
  const auto id =
      put(*spool, sample_body(600'000), envelope({recipient("a@b.example"), recipient("c@d.example")}))
          .value();
  ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
  EXPECT_EQ(spool->statistics().messages, 1u);
  EXPECT_EQ(spool->statistics().recipients, 1u);
  EXPECT_TRUE(spool->edits(id));
  ASSERT_TRUE(record(*spool, {delivered({id, 1})}));
  EXPECT_EQ(spool->statistics().messages, 0u);
  EXPECT_EQ(spool->statistics().recipients, 0u);
  EXPECT_EQ(spool->edits(id).error().code, (base::EnhancedCode{4, 3, 0}));
  EXPECT_EQ(read_all(*spool, id).error().code, (base::EnhancedCode{4, 3, 0}));
}

TEST_F(SpoolTest, FailsAReadOfAMessageThatIsFinishedMeanwhile) {
  auto spool = open();
  const auto id = put(*spool, sample_body(600'000), envelope({recipient("a@b.example")})).value();
  MessageReader reader = spool->read(id);
  EXPECT_EQ(reader.next().value().size(), Draft::kChunkBytes);
  ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(spool->statistics().quarantined, 0u);
}

TEST_F(SpoolTest, ClaimsADeferredRecipientAgainWhenItIsDue) {
  auto spool = open();
  const auto id =
      put(*spool, "hi", envelope({recipient("a@b.example", now()), recipient("c@d.example", now())})).value();
  const RecipientUpdate update = deferred({id, 1}, now() + std::chrono::minutes(5));
  ASSERT_TRUE(record(*spool, {update, delivered({id, 0})}));
  EXPECT_EQ(next_due(*spool).value(), now() + std::chrono::minutes(5));
  EXPECT_THAT(claim(*spool, now() + std::chrono::minutes(5)).value(), IsEmpty());
  clock_.advance(std::chrono::minutes(5));
  const auto claimed = claim(*spool, now() + Milliseconds(1)).value();
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_THAT(claimed[0].recipients, ElementsAre(1));
  const mail::Recipient& again = claimed[0].envelope->recipients[1];
  EXPECT_EQ(again.attempts, 1u);
  EXPECT_EQ(again.last, update.outcome);
  EXPECT_EQ(again.due, now());
  EXPECT_EQ(again.final, address("c@d.example"));
}

TEST_F(SpoolTest, OwnsWhatWasCommittedOrClaimedUntilItIsRecordedGivenBackOrTheLeaseEnds) {
  auto spool = open();
  const auto id = put(*spool, "hi", envelope({recipient("a@b.example", now())})).value();
  const auto soon = now() + Milliseconds(1);
  EXPECT_THAT(claim(*spool, soon).value(), IsEmpty());
  EXPECT_EQ(next_due(*spool).value(), std::nullopt);
  spool->unclaim({{id, 0}});
  EXPECT_EQ(next_due(*spool).value(), now());
  EXPECT_EQ(claim(*spool, soon, 100, std::chrono::seconds(10)).value().size(), 1u);
  EXPECT_THAT(claim(*spool, soon).value(), IsEmpty());
  clock_.advance(std::chrono::milliseconds(9'999));
  EXPECT_THAT(claim(*spool, soon).value(), IsEmpty());
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(claim(*spool, soon).value().size(), 1u);
}

TEST_F(SpoolTest, RefusesASecondServerOnTheSameDirectory) {
  auto spool = open();
  const auto second = Spool::open({.directory = folder_.path() / "spool"}, clock_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().log_text(), HasSubstr("another server works on"));
}

TEST_F(SpoolTest, RefusesNewMailBelowMinFree) {
  const auto spool =
      Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = UINT64_MAX}, clock_);
  EXPECT_EQ((*spool)->open_draft().error().code, (base::EnhancedCode{4, 3, 1}));
  EXPECT_EQ((*spool)->has_space(0).error().code, (base::EnhancedCode{4, 3, 1}));
}

TEST_F(SpoolTest, CountsOpenDraftsAsSpaceThatIsTaken) {
  const std::uint64_t free = std::filesystem::space(folder_.path()).available;
  const auto spool =
      Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = free - (64u << 20)}, clock_);
  ASSERT_TRUE((*spool)->has_space(0));
  EXPECT_FALSE((*spool)->has_space(128u << 20));
  {
    auto draft = (*spool)->open_draft();
    for (int i = 0; i < 128; ++i) draft->append(std::string(1u << 20, 'x'));
    EXPECT_FALSE((*spool)->has_space(0));
    EXPECT_FALSE((*spool)->open_draft());
  }
  EXPECT_TRUE((*spool)->has_space(0));
}

TEST_F(SpoolTest, TellsItsEffectiveSettings) {
  EXPECT_THAT(open()->describe(), HasSubstr("format=1 journal_mode=wal synchronous=FULL page_size=4096 "
                                            "auto_vacuum=incremental wal_pages=16000"));
}

}  // namespace
}  // namespace postrider::store
