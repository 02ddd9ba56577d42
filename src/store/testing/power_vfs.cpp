#include "store/testing/power_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>

namespace postrider::store::testing {
namespace {

sqlite3_vfs* real() {
  static sqlite3_vfs* vfs = sqlite3_vfs_find("unix");
  return vfs;
}

// Lies in memory that SQLite gives; the real file stands right behind it.
struct OpenFile {
  sqlite3_file base;
  const char* path;  // SQLite keeps it as long as the file; null: not watched
};
OpenFile& shim(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
sqlite3_file* under(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(OpenFile));
}

int close_file(sqlite3_file* file) { return under(file)->pMethods->xClose(under(file)); }
int read_file(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  return under(file)->pMethods->xRead(under(file), data, size, offset);
}
int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (const char* path = shim(file).path) {
    const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
    if (!PowerVfs::instance().write(path, {.offset = offset, .data = std::string(bytes)})) return SQLITE_FULL;
  }
  return under(file)->pMethods->xWrite(under(file), data, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (const char* path = shim(file).path)
    PowerVfs::instance().write(path, {.offset = size, .data = {}, .truncates = true});
  return under(file)->pMethods->xTruncate(under(file), size);
}
int sync_file(sqlite3_file* file, int) {
  const char* path = shim(file).path;
  return path == nullptr || PowerVfs::instance().sync(path) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return under(file)->pMethods->xFileSize(under(file), size);
}
int lock_file(sqlite3_file* file, int level) { return under(file)->pMethods->xLock(under(file), level); }
int unlock_file(sqlite3_file* file, int level) { return under(file)->pMethods->xUnlock(under(file), level); }
int check_lock(sqlite3_file* file, int* out) {
  return under(file)->pMethods->xCheckReservedLock(under(file), out);
}
int control(sqlite3_file* file, int operation, void* argument) {
  // A growth behind our back would not be in the account.
  if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;
  return under(file)->pMethods->xFileControl(under(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return under(file)->pMethods->xSectorSize(under(file)); }
int characteristics(sqlite3_file* file) { return under(file)->pMethods->xDeviceCharacteristics(under(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return under(file)->pMethods->xShmMap(under(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return under(file)->pMethods->xShmLock(under(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { under(file)->pMethods->xShmBarrier(under(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return under(file)->pMethods->xShmUnmap(under(file), remove);
}

constexpr sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  const int code = real()->xOpen(real(), name, under(file), flags, out);
  file->pMethods = under(file)->pMethods != nullptr ? &kMethods : nullptr;
  shim(file).path = nullptr;
  if (code != SQLITE_OK || name == nullptr || !PowerVfs::instance().is_watched(name)) return code;
  shim(file).path = name;
  PowerVfs::instance().created(name);
  return code;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_folder) {
  PowerVfs::instance().deleted(name, sync_folder != 0);
  return real()->xDelete(real(), name, 0);
}

void apply(std::string& content, const PowerVfs::Change& change) {
  const auto offset = static_cast<std::size_t>(change.offset);
  if (change.truncates) return content.resize(offset);
  if (content.size() < offset + change.data.size()) content.resize(offset + change.data.size());
  content.replace(offset, change.data.size(), change.data);
}

// The sectors of one write that survive.
void apply_sectors(std::string& content, const PowerVfs::Change& change, std::size_t sector,
                   std::minstd_rand& random) {
  std::size_t at = 0;
  while (at < change.data.size()) {
    const std::size_t position = static_cast<std::size_t>(change.offset) + at;
    const std::size_t length = std::min(sector - position % sector, change.data.size() - at);
    if ((random() & 64u) != 0)
      apply(content, {.offset = static_cast<std::int64_t>(position), .data = change.data.substr(at, length)});
    at += length;
  }
}

std::string survivor(const PowerVfs::File& file, const Survival& survival, std::minstd_rand& random) {
  std::string content = file.durable;
  const std::size_t beginning = random() % (file.pending.size() + 1);
  for (std::size_t i = 0; i < file.pending.size(); ++i) {
    const PowerVfs::Change& change = file.pending[i];
    switch (survival.kind) {
      case Survival::Kind::nothing:
        return content;
      case Survival::Kind::everything:
        apply(content, change);
        break;
      case Survival::Kind::a_beginning:
        if (i < beginning) apply(content, change);
        break;
      case Survival::Kind::sectors:
        if (!change.truncates)
          apply_sectors(content, change, survival.sector, random);
        else if ((random() & 64u) != 0)
          apply(content, change);
        break;
    }
  }
  return content;
}

}  // namespace

PowerVfs& PowerVfs::instance() {
  static PowerVfs* const vfs = new PowerVfs();
  return *vfs;
}

PowerVfs::PowerVfs() {
  static sqlite3_vfs vfs = *real();
  vfs.pNext = nullptr;
  vfs.zName = kName;
  vfs.szOsFile = static_cast<int>(sizeof(OpenFile)) + real()->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  sqlite3_vfs_register(&vfs, 0);
}

void PowerVfs::watch(std::filesystem::path folder) {
  std::lock_guard lock(mutex_);
  folder_ = folder.empty() ? "" : folder.string() + "/";
  files_.clear();
  hook_ = nullptr;
  fail_syncs_ = full_ = false;
  syncs_ = writes_ = 0;
}

void PowerVfs::before_sync(std::function<void()> hook) {
  std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void PowerVfs::fail_syncs(bool fail) {
  std::lock_guard lock(mutex_);
  fail_syncs_ = fail;
}

void PowerVfs::fill_disk(bool full) {
  std::lock_guard lock(mutex_);
  full_ = full;
}

std::uint64_t PowerVfs::syncs() const {
  std::lock_guard lock(mutex_);
  return syncs_;
}

std::uint64_t PowerVfs::writes() const {
  std::lock_guard lock(mutex_);
  return writes_;
}

bool PowerVfs::is_watched(const std::string& path) const {
  std::lock_guard lock(mutex_);
  return !folder_.empty() && path.starts_with(folder_);
}

void PowerVfs::created(const std::string& path) {
  std::lock_guard lock(mutex_);
  File& file = files_[path];
  // What stands under the name of a deleted file is new; what the old one held may still come back.
  file.deleted = false;
  file.syncs_folder = path.ends_with("-journal") || path.ends_with("-wal");
}

void PowerVfs::deleted(const std::string& path, bool durably) {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  ++writes_;
  if (durably) {
    files_.erase(found);
  } else {
    found->second.deleted = true;
    found->second.pending.push_back({.offset = 0, .data = {}, .truncates = true});
  }
}

bool PowerVfs::write(const std::string& path, Change change) {
  std::lock_guard lock(mutex_);
  if (full_ && !change.truncates) return false;
  ++writes_;
  files_[path].pending.push_back(std::move(change));
  return true;
}

bool PowerVfs::sync(const std::string& path) {
  std::function<void()> hook;
  {
    std::lock_guard lock(mutex_);
    hook = hook_;
  }
  if (hook) hook();
  std::lock_guard lock(mutex_);
  ++syncs_;
  if (fail_syncs_) return false;
  File& file = files_[path];
  for (const Change& change : file.pending) apply(file.durable, change);
  file.pending.clear();
  file.was_synced = true;
  if (file.syncs_folder) std::erase_if(files_, [](const auto& entry) { return entry.second.deleted; });
  files_[path].syncs_folder = false;
  return true;
}

void PowerVfs::cut(const std::filesystem::path& folder, Survival survival) const {
  std::lock_guard lock(mutex_);
  std::minstd_rand random(survival.seed + 1);
  for (const auto& [path, file] : files_) {
    const bool likely = survival.kind == Survival::Kind::everything ||
                        (survival.kind != Survival::Kind::nothing && (random() & 64u) != 0);
    // Of a file that was made or deleted without a sync either may survive.
    if (file.deleted ? likely : !file.was_synced && !likely) continue;
    std::ofstream out(folder / std::filesystem::path(path).filename(), std::ios::binary);
    const std::string content = survivor(file, survival, random);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
  }
}

}  // namespace postrider::store::testing
