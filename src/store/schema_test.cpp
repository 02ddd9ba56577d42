#include "store/schema.hpp"

#include <gmock/gmock.h>

#include <array>

#include "store/testing/blocking_spool.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

class Schema : public ::testing::Test {
 protected:
  base::Result<std::unique_ptr<Spool>> open_spool() {
    return Spool::open({.directory = folder_.path(), .min_free_bytes = 0}, clock_);
  }
  void execute(const char* sql) { Database(path_, nullptr, Database::Access::read_write).execute(sql); }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
  const std::string path_ = (folder_.path() / "spool.db").string();
  const std::array<const char*, 2> two_steps_ = {"CREATE TABLE a(x)",
                                                 "CREATE TABLE b AS SELECT x + 1 AS y FROM a"};
};

TEST_F(Schema, RefusesANewerFormat) {
  ASSERT_TRUE(open_spool());
  execute("PRAGMA user_version=3");
  const auto spool = open_spool();
  ASSERT_FALSE(spool);
  EXPECT_EQ(spool.error().code, (base::EnhancedCode{5, 3, 5}));
  EXPECT_THAT(spool.error().log_text(), HasSubstr("has format 3, and this postrider knows formats up to 2"));
}

TEST_F(Schema, RefusesAFileThatIsNotASpool) {
  execute("CREATE TABLE mine(x)");
  const auto spool = open_spool();
  ASSERT_FALSE(spool);
  EXPECT_THAT(spool.error().log_text(), HasSubstr("is not a spool of postrider"));
}

TEST_F(Schema, TakesAnEmptyFileThroughAllSteps) {
  Database database(path_, nullptr, Database::Access::read_write);
  ASSERT_TRUE(migrate(database, path_, two_steps_));
  EXPECT_EQ(database.number("PRAGMA user_version"), 2);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".format-0"));
}

TEST_F(Schema, LeavesACopyBeforeItTakesAnOlderFileForward) {
  Database database(path_, nullptr, Database::Access::read_write);
  ASSERT_TRUE(migrate(database, path_, std::span(two_steps_).first(1)));
  database.execute("INSERT INTO a VALUES(41)");
  ASSERT_TRUE(migrate(database, path_, two_steps_));
  EXPECT_EQ(database.number("SELECT y FROM b"), 42);
  Database copy(path_ + ".format-1", nullptr, Database::Access::read_only);
  EXPECT_EQ(copy.number("PRAGMA user_version"), 1);
  EXPECT_EQ(copy.number("SELECT x FROM a"), 41);
  EXPECT_EQ(copy.number("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(Schema, StaysAtTheFormatBeforeAStepThatFails) {
  Database database(path_, nullptr, Database::Access::read_write);
  const std::array<const char*, 2> steps = {"CREATE TABLE a(x)", "CREATE TABLE b(y); CREATE TABLE a(x)"};
  EXPECT_THROW((void)migrate(database, path_, steps), SqlError);
  Database after(path_, nullptr, Database::Access::read_only);
  EXPECT_EQ(after.number("PRAGMA user_version"), 1);
  EXPECT_EQ(after.number("SELECT count(*) FROM sqlite_schema"), 1);
}

// Written by the statements and encoders of format 1: three recipients, one of which waits, one is held and one
// has failed.
constexpr const char* kMailOfFormat1 = R"sql(
INSERT INTO message(id, size, chunks, envelope, edits, body) VALUES(3565158400000000000, 5, 0,
  x'010111616c696365406578616d706c652e636f6d0b0680a0abfef9620c01050e11010f626f62406578616d706c652e6e65740e1101'
  || x'0f657665406578616d706c652e6f72670e11010f616e6e406578616d706c652e6e6574', x'01', x'68656c6c6f');
INSERT INTO recipient(message, idx, state, due, domain, record)
  VALUES(3565158400000000000, 0, 1, 1700000000500, 'example.net', x'0101010202180101040202c303030304040104076e6f74206e6f77070100');
INSERT INTO recipient(message, idx, state, due, domain, record)
  VALUES(3565158400000000000, 1, 2, 0, 'example.org', x'01');
INSERT INTO recipient(message, idx, state, due, domain, record)
  VALUES(3565158400000000000, 2, 3, 0, 'example.net', x'01');
INSERT INTO meta(key, value) VALUES('id_ceiling', 3565158400000000001);
)sql";

TEST_F(Schema, KeepsTheMailOfAFileOfFormat1) {
  {
    Database database(path_, nullptr, Database::Access::read_write);
    set_writer_pragmas(database);
    ASSERT_TRUE(migrate(database, path_, schema_steps().first(1)));
    database.execute(kMailOfFormat1);
  }
  const base::MessageId id{3565158400000000000};
  {
    const auto spool = open_spool().value();
    EXPECT_EQ(spool->statistics().messages, 1u);
    EXPECT_EQ(spool->statistics().recipients, 3u);
    EXPECT_EQ(testing::read_all(*spool, id).value(), "hello");
    EXPECT_EQ(spool->edits(id).value(), mail::Edits{});
    const auto claimed = testing::claim(*spool, base::UtcTime::max()).value();
    ASSERT_EQ(claimed.size(), 1u);
    EXPECT_EQ(claimed[0].id, id);
    EXPECT_THAT(claimed[0].recipients, ::testing::ElementsAre(0));
    const mail::Envelope& envelope = *claimed[0].envelope;
    EXPECT_EQ(envelope.reverse_path.to_string(), "alice@example.com");
    EXPECT_EQ(envelope.received, base::UtcTime(base::Milliseconds(1'700'000'000'000)));
    EXPECT_EQ(envelope.recipients.at(0).final.to_string(), "bob@example.net");
    EXPECT_EQ(envelope.recipients[0].attempts, 2u);
    EXPECT_EQ(envelope.recipients[0].last->reply.text, "not now");
    EXPECT_EQ(envelope.recipients[0].due, base::UtcTime(base::Milliseconds(1'700'000'000'500)));
    EXPECT_EQ(envelope.recipients.at(1).state, mail::RecipientState::held);
    const auto untold = testing::untold(*spool).value();
    ASSERT_EQ(untold.size(), 1u);
    EXPECT_THAT(untold[0].recipients, ::testing::ElementsAre(2));
    EXPECT_TRUE(testing::suspensions(*spool).value().empty());
    EXPECT_GT(spool->open_draft().value().id().value, 3565158400000000001);
  }
  Database copy(path_ + ".format-1", nullptr, Database::Access::read_only);
  EXPECT_EQ(copy.number("PRAGMA user_version"), 1);
  EXPECT_EQ(copy.number("SELECT count(*) FROM recipient"), 3);
}

// A question that had to look into the table, or through all of it, would cost what waits and not what it yields.
TEST_F(Schema, AnswersWhatIsAskedOftenFromAnIndexAlone) {
  ASSERT_TRUE(open_spool());
  Database database(path_, nullptr, Database::Access::read_only);
  const auto plan = [&](std::string sql) {
    Statement statement(database, ("EXPLAIN QUERY PLAN " + sql).c_str());
    Rows rows = statement.query();
    return rows.next() ? std::string(rows.bytes(3)) : std::string();
  };
  EXPECT_EQ(
      plan("SELECT due, message, idx FROM recipient WHERE state = 1 AND domain = ?1 "
           "AND (due, message, idx) >= (?2, ?3, ?4) ORDER BY due, message, idx"),
      "SEARCH recipient USING COVERING INDEX recipient_waiting (domain=? AND (due,message,idx)>(?,?,?))");
  EXPECT_EQ(plan("SELECT domain, due, message, idx FROM recipient WHERE state = 1 AND domain > ?1 "
                 "AND due >= ?2 ORDER BY domain, due, message, idx"),
            "SEARCH recipient USING COVERING INDEX recipient_waiting (domain>?)");
  EXPECT_EQ(plan("SELECT message, idx, domain, record FROM recipient WHERE state = 1 "
                 "AND (message, idx) > (?1, ?2) ORDER BY message, idx"),
            "SEARCH recipient USING PRIMARY KEY ((message,idx)>(?,?))");
  EXPECT_EQ(plan("SELECT message, idx FROM recipient WHERE state = 3 AND message > ?1 ORDER BY message, idx"),
            "SEARCH recipient USING COVERING INDEX recipient_untold (message>?)");
}

}  // namespace
}  // namespace postrider::store
