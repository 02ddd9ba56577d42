#include "store/sqlite.hpp"

#include <cerrno>

namespace postrider::store {
namespace {

// A page that can't be read harms those who need it. Nothing was written in its place.
bool is_unreadable(int code) {
  return (code & 0xFF) == SQLITE_CORRUPT || code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ ||
         code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_DATA;
}

Fault classify(int code, int os_error) {
  if (is_unreadable(code)) return Fault::job;
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return Fault::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
      return Fault::job;
    default:
      break;
  }
  // A failed sync is never "full", whatever the reason: the kernel may have dropped pages of others too.
  const bool sync = code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
  if (!sync && (os_error == ENOSPC || os_error == EDQUOT)) return Fault::full;
  return Fault::broken;
}

std::string describe(sqlite3* connection, int code, std::string_view doing) {
  std::string text(doing);
  text += ": ";
  text += connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  text += " (SQLite ";
  text += std::to_string(code);
  text += ')';
  return text;
}

}  // namespace

SqlError::SqlError(sqlite3* connection, int code, std::string_view doing)
    : std::runtime_error(describe(connection, code, doing)),
      fault_(classify(code, connection != nullptr ? sqlite3_system_errno(connection) : 0)),
      damage_(is_unreadable(code)) {}

Database::Database(const std::string& path, const char* vfs, Access access) {
  // A connection that only reads is opened for writing too, since it needs the shared index of the WAL.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (access == Access::read_write ? SQLITE_OPEN_CREATE : 0);
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, vfs);
  handle_.reset(connection);
  if (code != SQLITE_OK) throw SqlError(connection, code, "opening " + path);
  sqlite3_busy_timeout(connection, kBusyTimeout);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  execute("PRAGMA cell_size_check=ON");
  if (access == Access::read_only) execute("PRAGMA query_only=ON");
}

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw SqlError(handle(), code, sql);
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  Rows rows = statement.query();
  return rows.next() ? std::string(rows.bytes(0)) : std::string();
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  Rows rows = statement.query();
  return rows.next() ? rows.number(0) : 0;
}

void Database::write_nothing_at_close() {
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Statement::Statement(Database& database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  handle_.reset(statement);
  if (code != SQLITE_OK) throw SqlError(database.handle(), code, sql);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) throw SqlError(sqlite3_db_handle(handle_.get()), code, sqlite3_sql(handle_.get()));
}

void Statement::bind(int index, std::string_view text) {
  check(sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind(int index, const Blob& blob) {
  if (!blob.bytes) return check(sqlite3_bind_null(handle_.get(), index));
  // A null pointer would bind NULL for an empty blob.
  const char* data = blob.bytes->empty() ? "" : blob.bytes->data();
  check(sqlite3_bind_blob64(handle_.get(), index, data, blob.bytes->size(), SQLITE_STATIC));
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  throw SqlError(sqlite3_db_handle(handle_.get()), code, sqlite3_sql(handle_.get()));
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::string_view Rows::bytes(int column) const {
  const void* data = sqlite3_column_blob(raw(), column);
  const int size = sqlite3_column_bytes(raw(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

}  // namespace postrider::store
