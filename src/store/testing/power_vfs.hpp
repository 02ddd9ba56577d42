// A SQLite VFS for tests, over the system's. It knows of each file what a sync has made durable and what was only
// written, so that a test can ask what a power cut would leave; and it can fail syncs and writes.
//
// What it takes for granted of a disk: a sync that returned is kept; what was not synced may survive in any part, sector
// by sector, in any order; a file that was never synced may be gone, one that was deleted may be back. The
// shared-memory index of the WAL is not on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace postrider::store::testing {

// How much of what was not synced survives.
struct Survival {
  enum class Kind : std::uint8_t {
    nothing,      // of it
    everything,   // as when only the process is killed
    a_beginning,  // of the writes to each file, in their order
    sectors,      // each with the same chance as not
  };
  Kind kind = Kind::nothing;
  std::uint32_t seed = 0;
  std::size_t sector = 512;
};

// One for the process, registered at first use and never removed. Any thread.
class PowerVfs {
 public:
  static constexpr const char* kName = "postrider-power";
  static PowerVfs& instance();

  // Begins to keep account of the files of this folder and forgets all else; none with an empty name. Files
  // elsewhere are not synced.
  void watch(std::filesystem::path folder);
  // Called before each sync of a watched file, on the thread that syncs.
  void before_sync(std::function<void()> hook);
  // Writes what a power cut at this moment would leave into `folder`, which must be empty.
  void cut(const std::filesystem::path& folder, Survival survival) const;

  // From now on each sync of a watched file fails / each write that needs room fails.
  void fail_syncs(bool fail);
  void fill_disk(bool full);

  std::uint64_t syncs() const;   // of watched files, since watch()
  std::uint64_t writes() const;  // and truncations

  // The account of one file. For the VFS's own methods.
  struct Change {
    std::int64_t offset = 0;
    std::string data;
    bool truncates = false;  // to `offset`
  };
  struct File {
    std::string durable;
    std::vector<Change> pending;
    bool was_synced = false;
    bool deleted = false;
    bool syncs_folder = false;  // at its next sync: SQLite's does so for a journal or a WAL that it opened
  };
  bool is_watched(const std::string& path) const;
  void created(const std::string& path);
  void deleted(const std::string& path, bool durably);
  bool write(const std::string& path, Change change);  // false: the disk is full
  bool sync(const std::string& path);                  // false: fails

 private:
  PowerVfs();
  mutable std::mutex mutex_;
  std::string folder_;
  std::map<std::string, File> files_;
  std::function<void()> hook_;
  bool fail_syncs_ = false;
  bool full_ = false;
  std::uint64_t syncs_ = 0;
  std::uint64_t writes_ = 0;
};

}  // namespace postrider::store::testing
