#include "store/wal_vfs.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/testing/temporary_folder.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {
namespace {

// A VFS that notes each write to a WAL, and fails them where a test asks for it.
class Noting {
 public:
  static constexpr const char* kName = "noting";
  Noting() {
    writes_.clear();
    fail_ = false;
    sqlite3_vfs* const real = sqlite3_vfs_find("unix");
    vfs_ = *real;
    vfs_.zName = kName;
    vfs_.xOpen = [](sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
      sqlite3_vfs* const system = sqlite3_vfs_find("unix");
      const int code = system->xOpen(system, name, file, flags, out);
      if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
      real_write_ = file->pMethods->xWrite;
      methods_ = *file->pMethods;
      methods_.xWrite = [](sqlite3_file* at, const void* data, int size, sqlite3_int64 offset) {
        if (fail_) return SQLITE_FULL;
        writes_.push_back(size);
        return real_write_(at, data, size, offset);
      };
      file->pMethods = &methods_;
      return code;
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~Noting() { sqlite3_vfs_unregister(&vfs_); }
  Noting(const Noting&) = delete;
  Noting& operator=(const Noting&) = delete;

  // Since the last call, their sizes.
  std::vector<int> writes() { return std::exchange(writes_, {}); }
  void fail(bool fails) { fail_ = fails; }

 private:
  static inline std::vector<int> writes_;
  static inline bool fail_ = false;
  static inline decltype(sqlite3_io_methods::xWrite) real_write_ = nullptr;
  static inline sqlite3_io_methods methods_{};
  sqlite3_vfs vfs_{};
};

constexpr int kFrame = 24 + 4096;

class WalVfs : public ::testing::Test {
 protected:
  WalVfs() {
    writer_.execute("PRAGMA page_size=4096");
    writer_.execute("PRAGMA journal_mode=WAL");
    writer_.execute("PRAGMA wal_autocheckpoint=0");
    writer_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB)");
    noting_.writes();
  }
  void put(int pages) {
    Statement insert(writer_, "INSERT INTO t(data) VALUES(zeroblob(?1))");
    insert.run(std::int64_t{pages} * 4096);
  }
  // As another program sees it, by SQLite's own VFS.
  std::int64_t rows_elsewhere() {
    Database other(path_, "unix", Database::Access::read_only);
    return other.number("SELECT count(*) FROM t WHERE length(data) > 0");
  }

  std::string check_elsewhere() {
    Database other(path_, "unix", Database::Access::read_only);
    return other.text("PRAGMA integrity_check");
  }
  // What the files alone say: the process has ended without a word.
  std::int64_t after_a_crash(const char* sql) {
    const auto copy = folder_.path() / "copy.db";
    for (const char* ending : {"", "-wal"})
      std::filesystem::copy_file(path_ + ending, copy.string() + ending,
                                 std::filesystem::copy_options::overwrite_existing);
    Database other(copy.string(), "unix", Database::Access::read_only);
    other.write_nothing_at_close();
    return other.number(sql);
  }

  Noting noting_;
  base::testing::TemporaryFolder folder_;
  std::string path_ = (folder_.path() / "t.db").string();
  Database writer_{path_, Noting::kName, Database::Access::read_write};
};

TEST_F(WalVfs, ACommitIsOneWrite) {
  put(2);
  const auto writes = noting_.writes();
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0] % kFrame, 0);
  EXPECT_GE(writes[0], 3 * kFrame);
}

TEST_F(WalVfs, IsOfTheSystemsVfsWhereNoneIsNamed) {
  EXPECT_STREQ(wal_vfs(nullptr), wal_vfs("unix"));
  EXPECT_THROW(Database(path_, "no such VFS", Database::Access::read_write), SqlError);
}

TEST_F(WalVfs, TakesCommitsOfEverySize) {
  for (int pages = 1; pages <= 70; ++pages) put(pages);
  const auto writes = noting_.writes();
  EXPECT_THAT(writes, ::testing::Each(::testing::Le(static_cast<int>(kMaxHeldBack))));
  EXPECT_EQ(rows_elsewhere(), 70);
  EXPECT_EQ(writer_.text("PRAGMA integrity_check"), "ok");
}

TEST_F(WalVfs, WhatIsCommittedWithoutASyncIsThereForOthers) {
  writer_.execute("PRAGMA synchronous=OFF");
  put(1);
  EXPECT_EQ(rows_elsewhere(), 1);
}

// The commits of every size, one after the other: some end exactly where a gathered piece is full.
TEST_F(WalVfs, ACommitWithoutASyncIsWholeInTheFileWhateverItsSize) {
  writer_.execute("PRAGMA synchronous=NORMAL");
  for (int pages = 1; pages <= 70; ++pages) {
    put(pages);
    EXPECT_EQ(after_a_crash("SELECT count(*) FROM t"), pages);
    EXPECT_EQ(check_elsewhere(), "ok") << "after a commit of " << pages << " pages";
  }
}

// SQLite writes such a page again in its place, and at the commit the headers of all frames from there on.
TEST_F(WalVfs, PagesThatATransactionWroteTwiceAreCommittedWithoutASyncToo) {
  writer_.execute("PRAGMA synchronous=NORMAL");
  writer_.execute("PRAGMA cache_size=10");
  for (int i = 0; i < 40; ++i) put(3);
  writer_.execute("BEGIN");
  for (int round = 0; round < 3; ++round) writer_.execute("UPDATE t SET data = zeroblob(length(data) + 1)");
  writer_.execute("COMMIT");
  EXPECT_EQ(after_a_crash("SELECT count(*) FROM t WHERE length(data) = 12291"), 40);
  EXPECT_EQ(check_elsewhere(), "ok");
}

// Once the lock on writing is let go, the place belongs to whoever writes next.
TEST_F(WalVfs, WhatWasRolledBackNeverOverwritesWhatAnotherWriterCommitted) {
  writer_.execute("PRAGMA cache_size=10");
  writer_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  Database other(path_, "unix", Database::Access::read_write);
  writer_.execute("BEGIN");
  put(100);  // more than the cache holds, and nothing is read back
  writer_.execute("ROLLBACK");
  {
    Statement insert(other, "INSERT INTO t(data) VALUES(zeroblob(?1))");
    insert.run(std::int64_t{120} * 4096);
  }
  EXPECT_EQ(writer_.number("SELECT count(*) FROM t"), 1);
  put(1);
  EXPECT_EQ(check_elsewhere(), "ok");
  EXPECT_EQ(after_a_crash("SELECT count(*) FROM t"), 2);
}

// As after a write of SQLite's own that failed: a transaction that goes on must not be committed.
TEST_F(WalVfs, AWriteThatFailsLateFailsTheWholeTransaction) {
  put(1);
  writer_.execute("CREATE TABLE u(data BLOB NOT NULL)");
  writer_.execute("INSERT INTO u SELECT zeroblob(40000)");
  writer_.execute("PRAGMA cache_size=10");
  writer_.execute("BEGIN");
  put(100);
  noting_.fail(true);
  EXPECT_THROW(writer_.execute("INSERT INTO u SELECT data FROM t"), SqlError);
  noting_.fail(false);
  if (writer_.in_transaction()) {
    EXPECT_THROW(writer_.execute("COMMIT"), SqlError);
  }
  if (writer_.in_transaction()) writer_.execute("ROLLBACK");
  EXPECT_EQ(rows_elsewhere(), 1);
  put(1);
  EXPECT_EQ(rows_elsewhere(), 2);
  EXPECT_EQ(check_elsewhere(), "ok");
}

TEST_F(WalVfs, ReadsBackWhatATransactionWroteOutBeforeItsEnd) {
  writer_.execute("PRAGMA cache_size=10");
  writer_.execute("BEGIN");
  for (int i = 0; i < 40; ++i) put(3);
  EXPECT_EQ(writer_.number("SELECT count(*) FROM t WHERE length(data) = 12288"), 40);
  EXPECT_EQ(rows_elsewhere(), 0);
  writer_.execute("ROLLBACK");
  put(1);
  EXPECT_EQ(rows_elsewhere(), 1);
  EXPECT_EQ(writer_.text("PRAGMA integrity_check"), "ok");
}

TEST_F(WalVfs, AWriteThatFailsFailsTheCommitAndNothingElse) {
  put(1);
  noting_.fail(true);
  try {
    put(1);
    ADD_FAILURE() << "it was committed";
  } catch (const SqlError& error) {
    EXPECT_EQ(error.fault(), Fault::full);
  }
  noting_.fail(false);
  EXPECT_EQ(rows_elsewhere(), 1);
  put(1);
  EXPECT_EQ(rows_elsewhere(), 2);
  EXPECT_EQ(writer_.text("PRAGMA integrity_check"), "ok");
}

TEST_F(WalVfs, ACheckpointFindsAllOfIt) {
  for (int i = 0; i < 10; ++i) put(i + 1);
  writer_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  put(1);
  EXPECT_EQ(rows_elsewhere(), 11);
}

}  // namespace
}  // namespace postrider::store
