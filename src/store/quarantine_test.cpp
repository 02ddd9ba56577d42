#include "store/quarantine.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using base::UtcTime;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Quarantine : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> open() {
    return Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = 0}, clock_).value();
  }
  std::string path() const { return (folder_.path() / "spool" / "spool.db").string(); }
  void execute(const std::string& sql) const {
    Database(path(), nullptr, Database::Access::read_write).execute(sql.c_str());
  }
  std::string text(const char* sql) const {
    return Database(path(), nullptr, Database::Access::read_only).text(sql);
  }
  // What a claim of all yields, when what it reported has been written.
  static std::vector<base::MessageId> claim_all(Spool& spool) {
    std::vector<base::MessageId> ids;
    const auto claimed = claim(spool, UtcTime::max());
    for (const Claimed& message : claimed.value()) ids.push_back(message.id);
    maintain(spool);
    return ids;
  }

  // A message with a page that can't be read, and a good one. The spool is closed.
  std::pair<base::MessageId, base::MessageId> put_one_on_a_damaged_page() {
    std::pair<base::MessageId, base::MessageId> both;
    {
      auto spool = open();
      both.first = put(*spool, "----" + std::string(100'000, 'x') + "MARK" + std::string(100'000, 'y'),
                       envelope({recipient("a@b.example")}))
                       .value();
      both.second = put(*spool, "good", envelope({recipient("a@b.example")})).value();
    }
    damage_page_of("MARK");
    return both;
  }
  // Each page of a long body begins with the number of the next.
  void damage_page_of(std::string_view mark) const {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    const auto page = content.find(mark) / 4096 * 4096;
    file.clear();
    file.seekp(static_cast<std::streamoff>(page));
    file.write("\xff\xff\xff\xff", 4);
  }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
};

TEST_F(Quarantine, TakesAMessageWhoseEnvelopeCannotBeRead) {
  base::MessageId bad;
  base::MessageId good;
  {
    auto spool = open();
    bad = put(*spool, "bad", envelope({recipient("a@b.example"), recipient("c@d.example")})).value();
    good = put(*spool, "good", envelope({recipient("a@b.example")})).value();
  }
  execute("UPDATE message SET envelope = x'01ff' WHERE id = " + std::to_string(bad.value));
  {
    auto spool = open();
    EXPECT_THAT(claim_all(*spool), ElementsAre(good));
    EXPECT_EQ(spool->statistics().quarantined, 1u);
    EXPECT_EQ(spool->statistics().messages, 1u);
    EXPECT_EQ(spool->statistics().recipients, 1u);
  }
  EXPECT_EQ(text("SELECT what FROM quarantine"), "envelope");
  EXPECT_EQ(text("SELECT data FROM quarantine"), "\x01\xff");
  auto spool = open();
  EXPECT_THAT(claim_all(*spool), ElementsAre(good));
  EXPECT_EQ(spool->statistics().quarantined, 1u);
  // The body is kept for an operator.
  EXPECT_EQ(read_all(*spool, bad).value(), "bad");
}

TEST_F(Quarantine, TakesOneRecipientAndLeavesTheOthers) {
  const auto id = put(*open(), "hi", envelope({recipient("a@b.example"), recipient("c@d.example")})).value();
  execute("UPDATE recipient SET record = x'02' WHERE idx = 0");
  auto spool = open();
  const auto claimed = claim(*spool, UtcTime::max()).value();
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_THAT(claimed[0].recipients, ElementsAre(1));
  ASSERT_TRUE(record(*spool, {delivered({id, 1})}));
  EXPECT_EQ(spool->statistics().quarantined, 1u);
  EXPECT_EQ(spool->statistics().recipients, 0u);
  EXPECT_EQ(spool->statistics().messages, 0u);
  // An end that is told too late changes nothing.
  ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
  EXPECT_EQ(spool->statistics().recipients, 0u);
  EXPECT_EQ(read_all(*spool, id).value(), "hi") << "the message stays with what is in quarantine";
}

TEST_F(Quarantine, MeetsABadRecordWhenItIsRewritten) {
  auto spool = open();
  const auto id = put(*spool, "hi", envelope({recipient("a@b.example")})).value();
  execute("UPDATE recipient SET record = x'02'");
  ASSERT_TRUE(record(*spool, {deferred({id, 0}, clock_.utc())}));
  EXPECT_THAT(claim_all(*spool), IsEmpty());
  EXPECT_EQ(spool->statistics().quarantined, 1u);
  EXPECT_EQ(text("SELECT data FROM quarantine"), "\x02");
}

TEST_F(Quarantine, TakesAMessageWhoseEditsCannotBeRead) {
  const auto id = put(*open(), "hi", envelope({recipient("a@b.example")})).value();
  execute("UPDATE message SET edits = x''");
  auto spool = open();
  EXPECT_EQ(spool->edits(id).error().code, (base::EnhancedCode{4, 3, 0}));
  maintain(*spool);  // behind what was reported
  EXPECT_THAT(claim_all(*spool), IsEmpty());
  EXPECT_EQ(spool->statistics().quarantined, 1u);
  EXPECT_EQ(text("SELECT what FROM quarantine"), "edits");
}

TEST_F(Quarantine, TakesAMessageOfWhichAPieceIsMissing) {
  const auto id = put(*open(), sample_body(700'000), envelope({recipient("a@b.example")})).value();
  execute("DELETE FROM chunk WHERE seq = 1");
  auto spool = open();
  EXPECT_EQ(read_all(*spool, id).error().code, (base::EnhancedCode{4, 3, 0}));
  maintain(*spool);
  EXPECT_THAT(claim_all(*spool), IsEmpty());
  EXPECT_EQ(spool->statistics().quarantined, 1u);
}

TEST_F(Quarantine, TakesAMessageOnADamagedPage) {
  const auto [bad, good] = put_one_on_a_damaged_page();
  auto spool = open();
  EXPECT_EQ(read_all(*spool, bad).error().code, (base::EnhancedCode{4, 3, 0}));
  maintain(*spool);
  EXPECT_THAT(claim_all(*spool), ElementsAre(good));
  EXPECT_EQ(spool->statistics().quarantined, 1u);
  EXPECT_TRUE(put(*spool, "more", envelope({recipient("a@b.example")})));
  EXPECT_TRUE(record(*spool, {delivered({good, 0})}));
}

TEST_F(Quarantine, WhatCanNotBeRemovedFromADamagedPageHoldsUpNoOtherRecord) {
  const auto [bad, good] = put_one_on_a_damaged_page();
  auto spool = open();
  ASSERT_EQ(claim_all(*spool).size(), 2u);
  const auto recorded = record(*spool, {delivered({bad, 0}), delivered({good, 0})});
  EXPECT_TRUE(recorded) << recorded.error().log_text();
  EXPECT_EQ(spool->statistics().recipients, 0u);
  EXPECT_EQ(text("SELECT count(*) FROM recipient"), "0");
  EXPECT_EQ(text("SELECT count(*) FROM message"), "1");
  EXPECT_TRUE(put(*spool, "more", envelope({recipient("a@b.example")})));
}

}  // namespace
}  // namespace postrider::store
