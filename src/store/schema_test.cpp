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

}  // namespace
}  // namespace postrider::store
