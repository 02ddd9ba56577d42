#include "store/wal_vfs.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>

namespace postrider::store {
namespace {

// https://www.sqlite.org/fileformat2.html#walformat: a frame is a header and a page; octets 4 to 7 of the header are
// not zero where the frame ends a commit.
constexpr int kFrameHeader = 24;

bool ends_commit(std::string_view header) { return header.substr(4, 4) != std::string_view("\0\0\0\0", 4); }

struct Vfs {
  sqlite3_vfs vfs;  // first: SQLite hands us this part
  sqlite3_vfs* base;
  std::string name;
};

// Lies in memory that SQLite gives; the base's file stands right behind it.
struct WalFile {
  sqlite3_file file;  // first: SQLite hands us this part
  std::string held_back;
  sqlite3_int64 begins = 0;  // where in the file
  bool commit_ends = false;  // with the page that comes next
};

WalFile& ours(sqlite3_file* file) { return *reinterpret_cast<WalFile*>(file); }
sqlite3_file* under(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&ours(file) + 1); }

int write_out(sqlite3_file* file) {
  WalFile& wal = ours(file);
  wal.commit_ends = false;
  if (wal.held_back.empty()) return SQLITE_OK;
  const int code = under(file)->pMethods->xWrite(under(file), wal.held_back.data(),
                                                 static_cast<int>(wal.held_back.size()), wal.begins);
  wal.held_back.clear();  // after a failure too: SQLite drops the transaction
  return code;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  WalFile& wal = ours(file);
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
  const bool follows = offset == wal.begins + static_cast<sqlite3_int64>(wal.held_back.size());
  if (!follows || wal.held_back.size() + bytes.size() > kMaxHeldBack) {
    if (const int code = write_out(file); code != SQLITE_OK) return code;
    wal.begins = offset;
  }
  if (wal.held_back.empty()) wal.begins = offset;
  wal.held_back.append(bytes);
  if (wal.commit_ends) return write_out(file);
  wal.commit_ends = size == kFrameHeader && ends_commit(bytes);
  return SQLITE_OK;
}

// Any other call first lets go of what is held back.
template <auto Method, class... Args>
int pass(sqlite3_file* file, Args... args) {
  if (const int code = write_out(file); code != SQLITE_OK) return code;
  return (under(file)->pMethods->*Method)(under(file), args...);
}

int close(sqlite3_file* file) {
  const int written = write_out(file);
  const int closed = under(file)->pMethods->xClose(under(file));
  ours(file).~WalFile();
  return written != SQLITE_OK ? written : closed;
}

int sector_size(sqlite3_file* file) { return under(file)->pMethods->xSectorSize(under(file)); }
int characteristics(sqlite3_file* file) { return under(file)->pMethods->xDeviceCharacteristics(under(file)); }

// Version 1: shared memory and mapping are of the database's file, never of its WAL.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close,
    .xRead = pass<&sqlite3_io_methods::xRead, void*, int, sqlite3_int64>,
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

int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  sqlite3_vfs* const base = reinterpret_cast<Vfs*>(vfs)->base;
  if ((flags & SQLITE_OPEN_WAL) == 0) return base->xOpen(base, name, file, flags, out);
  new (file) WalFile{};
  under(file)->pMethods = nullptr;
  const int code = base->xOpen(base, name, under(file), flags, out);
  if (under(file)->pMethods != nullptr)
    file->pMethods = &kMethods;  // then SQLite closes it, after a failure too
  else
    ours(file).~WalFile();
  return code;
}

std::unique_ptr<Vfs> on(sqlite3_vfs* base) {
  auto made = std::make_unique<Vfs>(
      Vfs{.vfs = *base, .base = base, .name = std::string("postrider-wal-on-") + base->zName});
  made->vfs.pNext = nullptr;
  made->vfs.zName = made->name.c_str();
  made->vfs.szOsFile = static_cast<int>(sizeof(WalFile)) + base->szOsFile;
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
