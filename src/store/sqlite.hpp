// SQLite behind two small classes. Faults are exceptions (SqlError); the store catches them at its edges and
// none leaves it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace postrider::store {

// What a fault means for those who wait for the transaction.
enum class Fault : std::uint8_t {
  full,    // the disk is full: this transaction is lost, later ones may succeed
  job,     // this statement can't be done (a damaged page, a constraint, another writer); others can
  broken,  // a write or a sync failed: what is on the disk is not known any more
};

class SqlError : public std::runtime_error {
 public:
  // From the last call on `connection`; `code` is its extended result code.
  SqlError(sqlite3* connection, int code, std::string_view doing);
  // A rule of ours that the data break.
  explicit SqlError(const std::string& why) : std::runtime_error(why) {}

  Fault fault() const { return fault_; }
  // The bytes on the disk are damaged or can't be read; trying again would not help.
  bool is_damage() const { return damage_; }

 private:
  Fault fault_ = Fault::job;
  bool damage_ = false;
};

// One connection. One thread at a time.
class Database {
 public:
  enum class Access : std::uint8_t { read_only, read_write };
  // Only somebody with the sqlite3 shell can make us wait. Then those who wait are told "later".
  static constexpr int kBusyTimeout = 5000;  // ms

  // Opens, or creates where `access` allows it. `vfs` null: the system's. Throws SqlError.
  Database(const std::string& path, const char* vfs, Access access);

  void execute(const char* sql);  // statements without results; throws SqlError
  std::string text(const char* sql);
  std::int64_t number(const char* sql);  // the first column of the first row
  bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  // Nothing is written any more, also not when the connection is closed.
  void write_nothing_at_close();
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    // _v2: a statement that outlives the connection must not keep it from closing.
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

class Rows;

// A prepared statement. One thread at a time, and only one Rows of it at a time.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  // Binds ?1 ?2 ... in order. Text and blobs are not copied: they must live as long as the Rows.
  template <class... Args>
  Rows query(const Args&... args);
  // Runs to the end; for statements without rows.
  template <class... Args>
  void run(const Args&... args);
  // Rows that the last run() changed.
  int changes() const { return sqlite3_changes(sqlite3_db_handle(handle_.get())); }

 private:
  friend class Rows;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void check(int code) const;
  void bind(int index, std::int64_t value) { check(sqlite3_bind_int64(handle_.get(), index, value)); }
  void bind(int index, const std::optional<std::int64_t>& value) {
    check(value ? sqlite3_bind_int64(handle_.get(), index, *value) : sqlite3_bind_null(handle_.get(), index));
  }
  void bind(int index, std::string_view text);
  void bind(int index, const struct Blob& blob);
  bool step();
  void reset();
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Bytes to bind as a blob; null binds NULL.
struct Blob {
  std::optional<std::string_view> bytes;
};

// The rows of one run. Leaves the statement reset.
class Rows {
 public:
  explicit Rows(Statement& statement) : statement_(&statement) {}
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() { statement_->reset(); }

  bool next() { return statement_->step(); }  // throws SqlError
  std::int64_t number(int column) const { return sqlite3_column_int64(raw(), column); }
  bool null(int column) const { return sqlite3_column_type(raw(), column) == SQLITE_NULL; }
  // Valid until next().
  std::string_view bytes(int column) const;

 private:
  sqlite3_stmt* raw() const { return statement_->handle_.get(); }
  Statement* statement_;
};

template <class... Args>
Rows Statement::query(const Args&... args) {
  int index = 0;
  (bind(++index, args), ...);
  return Rows(*this);
}

template <class... Args>
void Statement::run(const Args&... args) {
  Rows rows = query(args...);
  while (rows.next()) continue;
}

}  // namespace postrider::store
