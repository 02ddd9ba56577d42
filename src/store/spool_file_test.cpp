#include "store/spool_file.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using testing::address;
using ::testing::ElementsAre;
using testing::envelope;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::put;
using testing::recipient;
using testing::record;
using testing::TemporaryFolder;

class SpoolFileTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    auto spool = Spool::open({.directory = folder_.path(), .min_free_bytes = 0}, clock_);
    ASSERT_TRUE(spool) << spool.error().log_text();
    spool_ = std::move(*spool);
  }
  // Received now, one second after the one before.
  base::MessageId message(std::string_view sender, std::vector<mail::Recipient> recipients,
                          std::string_view body = "Subject: a\r\n\r\nhello\r\n") {
    clock_.advance(std::chrono::seconds(1));
    auto value = envelope(std::move(recipients));
    value.reverse_path = sender.empty() ? mail::ReversePath() : mail::ReversePath(address(sender));
    value.received = clock_.utc();
    return put(*spool_, body, std::move(value)).value();
  }
  std::unique_ptr<SpoolFile> file() { return SpoolFile::open(folder_.path(), clock_).value(); }
  // Page by page.
  std::vector<RecipientId> all(const Selection& selection, std::size_t limit = 100) {
    std::vector<RecipientId> ids;
    const auto reader = file();
    std::optional<RecipientId> after;
    do {
      const ListedPage page = reader->list(selection, after, limit).value();
      EXPECT_LE(page.rows.size(), limit);
      for (const Listed& row : page.rows) ids.push_back(row.id);
      after = page.next;
    } while (after);
    return ids;
  }
  void execute(const char* sql) {
    Database((folder_.path() / "spool.db").string(), nullptr, Database::Access::read_write).execute(sql);
  }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolFileTest, ListsWhatARecipientIs) {
  mail::Recipient bob = recipient("bob@example.net", clock_.utc() + std::chrono::hours(1));
  bob.original = address("info@example.org");
  const auto id = message("alice@example.com", {bob});
  const base::UtcTime due = clock_.utc() + std::chrono::minutes(5);
  ASSERT_TRUE(record(*spool_, {testing::deferred({id, 0}, due)}));
  const ListedPage page = spool_->list({}, std::nullopt, 10).value();
  ASSERT_EQ(page.rows.size(), 1u);
  const Listed& row = page.rows[0];
  EXPECT_EQ(row.id, (RecipientId{id, 0}));
  EXPECT_EQ(row.sender, "alice@example.com");
  EXPECT_EQ(row.original, "info@example.org");
  EXPECT_EQ(row.recipient, "bob@example.net");
  EXPECT_EQ(row.destination, "example.net");
  EXPECT_EQ(row.state, mail::RecipientState::waiting);
  EXPECT_FALSE(row.quarantined);
  EXPECT_EQ(row.due, due);
  EXPECT_EQ(row.attempts, 1u);
  ASSERT_TRUE(row.last);
  EXPECT_EQ(row.last->reply.text, "not now");
  EXPECT_EQ(row.received, clock_.utc());
  EXPECT_EQ(row.size, 21u);
  EXPECT_EQ(page.next, std::nullopt);
}

TEST_F(SpoolFileTest, PagesThroughAllOnce) {
  std::vector<RecipientId> expected;
  for (int i = 0; i < 7; ++i) {
    const auto id = message("alice@example.com", {recipient("a@example.net"), recipient("b@example.org")});
    expected.push_back({id, 0});
    expected.push_back({id, 1});
  }
  for (const std::size_t limit : {1u, 2u, 3u, 14u, 100u}) EXPECT_EQ(all({}, limit), expected);
  Selection one;
  one.message = expected[4].message;
  EXPECT_THAT(all(one, 1), ElementsAre(expected[4], expected[5]));
  EXPECT_THAT(spool_->list(one, expected[6], 5).value().rows, IsEmpty());
}

TEST_F(SpoolFileTest, SelectsBySender) {
  const auto alice = message("Alice@example.com", {recipient("a@example.net")});
  const auto sub = message("bob@sub.example.com", {recipient("a@example.net")});
  const auto null = message("", {recipient("a@example.net")});
  const auto select = [this](const char* sender) {
    Selection selection;
    selection.sender = sender;
    return all(selection);
  };
  EXPECT_THAT(select("alice@EXAMPLE.com"), ElementsAre(RecipientId{alice, 0}));
  EXPECT_THAT(select("example.com"), ElementsAre(RecipientId{alice, 0}));
  EXPECT_THAT(select(".Example.com"), ElementsAre(RecipientId{sub, 0}));
  EXPECT_THAT(select("<>"), ElementsAre(RecipientId{null, 0}));
  EXPECT_THAT(select("bob@example.com"), IsEmpty());
}

TEST_F(SpoolFileTest, SelectsByAnyAddressOfTheRecipient) {
  mail::Recipient aliased = recipient("bob@[192.0.2.1]");
  aliased.original = address("info@example.org");
  aliased.alias = address("all@example.org");
  const auto id = message("alice@example.com", {aliased, recipient("carol@example.net")});
  for (const char* pattern :
       {"info@example.org", "ALL@example.org", "bob@[192.0.2.1]", "[192.0.2.1]", "example.org"}) {
    Selection selection;
    selection.recipient = pattern;
    EXPECT_THAT(all(selection), ElementsAre(RecipientId{id, 0})) << pattern;
  }
}

TEST_F(SpoolFileTest, SelectsByDestinationStateAndAge) {
  const auto old = message("alice@example.com", {recipient("a@example.net"), recipient("b@EXAMPLE.org")});
  clock_.advance(std::chrono::hours(2));
  const auto fresh = message("alice@example.com", {recipient("a@example.net"), recipient("c@example.com")});
  ASSERT_TRUE(record(*spool_, {{.id = {fresh, 0}, .state = mail::RecipientState::held, .outcome = {}}}));
  Selection selection;
  selection.destinations = {"example.ORG", "example.net"};
  EXPECT_THAT(all(selection), ElementsAre(RecipientId{old, 0}, RecipientId{old, 1}, RecipientId{fresh, 0}));
  selection.state = mail::RecipientState::waiting;
  EXPECT_THAT(all(selection, 1), ElementsAre(RecipientId{old, 0}, RecipientId{old, 1}));
  selection = {};
  selection.state = mail::RecipientState::held;
  EXPECT_THAT(all(selection), ElementsAre(RecipientId{fresh, 0}));
  selection = {};
  selection.older_than = std::chrono::hours(1);
  EXPECT_THAT(all(selection), ElementsAre(RecipientId{old, 0}, RecipientId{old, 1}));
  selection = {};
  selection.younger_than = std::chrono::hours(1);
  EXPECT_THAT(all(selection), ElementsAre(RecipientId{fresh, 0}, RecipientId{fresh, 1}));
}

TEST_F(SpoolFileTest, RefusesAPatternThatIsNone) {
  Selection selection;
  selection.sender = "no domain at all";
  const auto page = spool_->list(selection, std::nullopt, 1);
  ASSERT_FALSE(page);
  EXPECT_TRUE(page.error().permanent());
  EXPECT_EQ(page.error().text, "neither an address nor a domain: no domain at all");
}

TEST_F(SpoolFileTest, LooksAtABoundedNumberOfRows) {
  message("alice@example.com", {recipient("a@example.net")});
  execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) "
      "INSERT INTO recipient SELECT message + 1, i, state, due, domain, record FROM recipient, n");
  Selection selection;
  selection.destinations = {"example.org"};
  const auto reader = file();
  const auto first = reader->list(selection, std::nullopt, 10).value();
  EXPECT_THAT(first.rows, IsEmpty());
  ASSERT_TRUE(first.next);
  EXPECT_EQ(first.next->index, 19'999u);
  EXPECT_EQ(reader->list(selection, first.next, 10).value().next, std::nullopt);
  // Too many for the index: it walks.
  selection.destinations = {"example.net"};
  selection.state = mail::RecipientState::waiting;
  EXPECT_EQ(all(selection, 1000).size(), 25'001u);
}

TEST_F(SpoolFileTest, ListsWhatIsInQuarantineOrCantBeRead) {
  const auto id = message("alice@example.com", {recipient("a@example.net"), recipient("b@example.net")});
  execute("UPDATE recipient SET state = 9 WHERE idx = 0");
  execute("UPDATE recipient SET record = x'ff' WHERE idx = 1");
  const auto page = file()->list({}, std::nullopt, 10).value();
  ASSERT_EQ(page.rows.size(), 2u);
  EXPECT_TRUE(page.rows[0].quarantined);
  EXPECT_TRUE(page.rows[1].quarantined);
  EXPECT_EQ(page.rows[1].recipient, "b@example.net");
  EXPECT_THAT(file()->find(id).value()->recipients, IsEmpty());
  execute("UPDATE message SET envelope = x'ff'");
  EXPECT_TRUE(file()->list({}, std::nullopt, 10).value().rows[0].quarantined);
  EXPECT_FALSE(file()->find(id));
}

TEST_F(SpoolFileTest, FindsAMessageWithItsOpenRecipients) {
  const auto id = message("alice@example.com", {recipient("a@example.net"), recipient("b@example.net")});
  ASSERT_TRUE(record(*spool_, {testing::delivered({id, 0})}));
  const auto found = spool_->find(id).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, id);
  EXPECT_THAT(found->recipients, ElementsAre(1));
  EXPECT_EQ(found->envelope->recipients.size(), 2u);
  EXPECT_EQ(spool_->find(base::MessageId{id.value + 1}).value(), std::nullopt);
}

TEST_F(SpoolFileTest, GivesTheHeaderOfSmallAndLargeMessages) {
  const std::string body = "Subject: a\r\nTo: b\r\n\r\nbody\r\n\r\n";
  EXPECT_EQ(file()->header(message("", {recipient("a@example.net")}, body)), "Subject: a\r\nTo: b\r\n");
  const std::string large = body + std::string(600'000, 'x');
  EXPECT_EQ(file()->header(message("", {recipient("a@example.net")}, large)), "Subject: a\r\nTo: b\r\n");
  EXPECT_EQ(file()->header(message("", {recipient("a@example.net")}, "\r\nonly a body")), "");
  const std::string endless = "X: " + std::string(600'000, 'x');
  EXPECT_EQ(file()->header(message("", {recipient("a@example.net")}, endless)).value().size(), 262'144u);
  EXPECT_FALSE(file()->header(base::MessageId{5}));
}

TEST_F(SpoolFileTest, ReadsSmallAndLargeMessagesWhole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{3'000'000}}) {
    std::string body = "Subject: a\r\n\r\n";
    for (std::size_t i = 0; i < size; ++i) body += static_cast<char>('a' + i % 23);
    const auto id = message("", {recipient("a@example.net")}, body);
    std::string read;
    std::size_t largest = 0;
    ASSERT_TRUE(file()->read(id, [&](std::string_view piece) {
      largest = std::max(largest, piece.size());
      read += piece;
      return true;
    }));
    EXPECT_EQ(read, body);
    EXPECT_LT(largest, 1'000'000u);
    int calls = 0;
    EXPECT_TRUE(file()->read(id, [&](std::string_view) { return ++calls > 1; }));
    EXPECT_EQ(calls, 1);
  }
  EXPECT_FALSE(file()->read(base::MessageId{5}, [](std::string_view) { return true; }));
}

TEST_F(SpoolFileTest, ReadsTheSpoolOfAStoppedServerAndLeavesItAlone) {
  const auto id = message("alice@example.com", {recipient("a@example.net")});
  spool_.reset();
  EXPECT_THAT(all({}), ElementsAre(RecipientId{id, 0}));
  EXPECT_EQ(file()->count().value().messages, 1u);
  start();
  EXPECT_THAT(all({}), ElementsAre(RecipientId{id, 0}));
}

TEST_F(SpoolFileTest, RefusesANewerFormatAndWhatIsNoSpool) {
  spool_.reset();
  execute("PRAGMA user_version=99");
  auto refused = SpoolFile::open(folder_.path(), clock_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().log_text(), HasSubstr("has format 99, and this postrider knows formats up to"));
  execute("PRAGMA application_id=1");
  refused = SpoolFile::open(folder_.path(), clock_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().log_text(), HasSubstr("is not a spool"));
  refused = SpoolFile::open(folder_.path() / "none", clock_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().log_text(), HasSubstr("there is no spool"));
}

TEST_F(SpoolFileTest, ABackupHasAllThatWasCommittedBefore) {
  std::vector<base::MessageId> before;
  for (int i = 0; i < 200; ++i)
    before.push_back(message("alice@example.com", {recipient("a@example.net")}, std::string(5000, 'x')));
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    while (!stop) {
      auto value = envelope({recipient("b@example.net")});
      ASSERT_TRUE(put(*spool_, "meanwhile", std::move(value)));
    }
  });
  TemporaryFolder other;
  const auto made = spool_->backup(other.path() / "spool.db");
  stop = true;
  sender.join();
  ASSERT_TRUE(made) << made.error().log_text();
  EXPECT_FALSE(std::filesystem::exists(other.path() / "spool.db.partial"));
  const auto copy = SpoolFile::open(other.path(), clock_).value();
  for (const base::MessageId id : before) EXPECT_TRUE(copy->find(id).value());
  Database database((other.path() / "spool.db").string(), nullptr, Database::Access::read_only);
  EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(database.number("SELECT count(*) FROM message WHERE NOT EXISTS "
                            "(SELECT 1 FROM recipient WHERE message = id)"),
            0);
  EXPECT_FALSE(spool_->backup(other.path() / "spool.db"));  // never over another
}

}  // namespace
}  // namespace postrider::store
