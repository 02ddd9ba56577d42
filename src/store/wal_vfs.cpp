#include "store/wal_vfs.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace postrider::store {
namespace {

// https://www.sqlite.org/fileformat2.html#walformat: a frame is a header and a page; octets 4 to 7 of the header are
// not zero where the frame ends a commit.
constexpr int kFrameHeader = 24;
constexpr int kWriteLock = 0;  // https://www.sqlite.org/walformat.html#wal_locks

bool ends_commit(std::string_view header) { return header.substr(4, 4) != std::string_view("\0\0\0\0", 4); }

struct Vfs {
  sqlite3_vfs vfs;  // first: SQLite hands us this part
  sqlite3_vfs* base;
  std::string name;
};

struct WalFile;

// Of a database's own file, which is the base's: what we know of it lies behind that.
struct DatabaseFile {
  sqlite3_io_methods methods;  // first: the file points here
  const sqlite3_io_methods* base;
  WalFile* wal;
};

// Lies in memory that SQLite gives; the base's file stands right behind it.
struct WalFile {
  sqlite3_file file;  // first: SQLite hands us this part
  DatabaseFile* database;
  std::string held_back;
  sqlite3_int64 begins = 0;  // where in the file; after a failure, what was lost
  sqlite3_int64 end = 0;     // of what this transaction wrote
  bool commit_ends = false;  // with the page that comes next
  int failure = SQLITE_OK;   // of this transaction, which can't be committed any more
};

WalFile& ours(sqlite3_file* file) { return *reinterpret_cast<WalFile*>(file); }
sqlite3_file* under(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&ours(file) + 1); }

int write_out(sqlite3_file* file) {
  WalFile& wal = ours(file);
  if (wal.held_back.empty() || wal.failure != SQLITE_OK) return wal.failure;
  wal.failure = under(file)->pMethods->xWrite(under(file), wal.held_back.data(),
                                              static_cast<int>(wal.held_back.size()), wal.begins);
  wal.held_back.clear();
  return wal.failure;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  WalFile& wal = ours(file);
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
  if (offset == 0) wal.end = 0;  // a new log
  // In its place, as when a commit mends the headers of pages that were written twice: nothing may come behind the last.
  const bool again = offset < wal.end;
  const bool follows = offset == wal.begins + static_cast<sqlite3_int64>(wal.held_back.size());
  if (again || !follows || wal.held_back.size() + bytes.size() > kMaxHeldBack)
    if (const int code = write_out(file); code != SQLITE_OK) return code;
  if (wal.failure != SQLITE_OK) return wal.failure;
  if (again) return under(file)->pMethods->xWrite(under(file), data, size, offset);
  if (wal.held_back.empty()) wal.begins = offset;
  wal.held_back.append(bytes);
  wal.end = offset + size;
  if (std::exchange(wal.commit_ends, size == kFrameHeader && ends_commit(bytes))) return write_out(file);
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  if (offset + size > ours(file).begins)
    if (const int code = write_out(file); code != SQLITE_OK) return code;
  return under(file)->pMethods->xRead(under(file), into, size, offset);
}

// Any other call first lets go of what is held back.
template <auto Method, class... Args>
int pass(sqlite3_file* file, Args... args) {
  if (const int code = write_out(file); code != SQLITE_OK) return code;
  return (under(file)->pMethods->*Method)(under(file), args...);
}

// The transaction is over. What is still here was rolled back, and its place is the next writer's, who may be another.
void forget(WalFile& wal) {
  wal.held_back.clear();
  wal.begins = wal.end = 0;
  wal.commit_ends = false;
  wal.failure = SQLITE_OK;
}

int lock_shared_memory(sqlite3_file* file, int first, int count, int flags) {
  const auto& database = *reinterpret_cast<const DatabaseFile*>(file->pMethods);
  if (first == kWriteLock && (flags & SQLITE_SHM_UNLOCK) != 0 && database.wal != nullptr)
    forget(*database.wal);
  return database.base->xShmLock(file, first, count, flags);
}

int close(sqlite3_file* file) {
  const int written = write_out(file);
  const int closed = under(file)->pMethods->xClose(under(file));
  ours(file).database->wal = nullptr;
  ours(file).~WalFile();
  return written != SQLITE_OK ? written : closed;
}

int sector_size(sqlite3_file* file) { return under(file)->pMethods->xSectorSize(under(file)); }
int characteristics(sqlite3_file* file) { return under(file)->pMethods->xDeviceCharacteristics(under(file)); }

// Version 1: shared memory and mapping are of the database's file, never of its WAL.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = pass<&sqlite3_io_methods::xTruncate, sqlite3_int64>,
    .xSync = pass<&sqlite3_io_methods::xSync, int>,
    .xFileSize = pass<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
    .xLock = pass<&sqlite3_io_methods::xLock, int>,
    .xUnlock = pass<&sqlite3_io_methods::xUnlock, int>,
    .xCheckReservedLock = pass<&sqlite3_io_methods::xCheckReservedLock, int*>,
    .xFileControl = pass<&sqlite3_io_methods::xFileControl, int, void*>,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

constexpr std::size_t aligned(int size) {
  return (static_cast<std::size_t>(size) + alignof(DatabaseFile) - 1) & ~(alignof(DatabaseFile) - 1);
}

int open_database(sqlite3_vfs* base, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  const int code = base->xOpen(base, name, file, flags, out);
  if (code != SQLITE_OK || file->pMethods->iVersion < 2) return code;
  auto* database = new (reinterpret_cast<char*>(file) + aligned(base->szOsFile))
      DatabaseFile{.methods = *file->pMethods, .base = file->pMethods, .wal = nullptr};
  database->methods.xShmLock = lock_shared_memory;
  file->pMethods = &database->methods;
  return code;
}

// Null: its WAL is left as it is. Where a write may harm the octets beside it, SQLite fills commits up to whole sectors, and
// begins the next one in the middle of a page.
DatabaseFile* gathering(sqlite3_file* database) {
  if (database->pMethods->xShmLock != lock_shared_memory) return nullptr;
  if ((database->pMethods->xDeviceCharacteristics(database) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) == 0)
    return nullptr;
  return const_cast<DatabaseFile*>(reinterpret_cast<const DatabaseFile*>(database->pMethods));
}

int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  sqlite3_vfs* const base = reinterpret_cast<Vfs*>(vfs)->base;
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return open_database(base, name, file, flags, out);
  DatabaseFile* const database =
      (flags & SQLITE_OPEN_WAL) != 0 ? gathering(sqlite3_database_file_object(name)) : nullptr;
  if (database == nullptr) return base->xOpen(base, name, file, flags, out);
  new (file) WalFile{.file = {}, .database = database, .held_back = {}};
  under(file)->pMethods = nullptr;
  const int code = base->xOpen(base, name, under(file), flags, out);
  if (under(file)->pMethods != nullptr) {
    file->pMethods = &kMethods;  // then SQLite closes it, after a failure too
    database->wal = &ours(file);
  } else {
    ours(file).~WalFile();
  }
  return code;
}

std::unique_ptr<Vfs> on(sqlite3_vfs* base) {
  auto made = std::make_unique<Vfs>(
      Vfs{.vfs = *base, .base = base, .name = std::string("postrider-wal-on-") + base->zName});
  made->vfs.pNext = nullptr;
  made->vfs.zName = made->name.c_str();
  made->vfs.szOsFile =
      static_cast<int>(aligned(base->szOsFile) + std::max(sizeof(WalFile), sizeof(DatabaseFile)));
  made->vfs.xOpen = open;
  return made;
}

}  // namespace

const char* wal_vfs(const char* base) {
  static std::mutex mutex;
  static auto& known = *new std::map<sqlite3_vfs*, std::unique_ptr<Vfs>>;  // connections may outlive main()
  sqlite3_vfs* const found = sqlite3_vfs_find(base);
  if (found == nullptr) return base;
  std::lock_guard lock(mutex);
  std::unique_ptr<Vfs>& made = known[found];
  if (!made) {
    made = on(found);
    if (sqlite3_vfs_register(&made->vfs, 0) != SQLITE_OK) made.reset();
  }
  return made ? made->vfs.zName : base;
}

}  // namespace postrider::store
