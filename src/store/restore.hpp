// Puts copies that backup made back in place. Blocking; nobody uses the folders meanwhile.
//
// The folders belong to the server's user, who may put links there: as root, open the copies and become that user before
// anything is restored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "store/spool_file.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

enum class Waiting : std::uint8_t {
  goes_on,  // is tried as soon as a server runs
  // Until an operator releases it: nothing is sent twice unseen. Nor is a sender told of an end that was not told
  // before: such a recipient is held with its end as the last outcome.
  is_held,
};

// A copy that is open for reading, so that whoever restores it need not be able to open it.
class OpenCopy {
 public:
  // Failure: permanent, where it can't be opened or is no plain file (nor is a link).
  static base::Result<OpenCopy> open(const std::filesystem::path& path);
  OpenCopy(OpenCopy&& other) noexcept;
  OpenCopy& operator=(OpenCopy&&) = delete;
  ~OpenCopy();
  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  OpenCopy(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::filesystem::path path_;
  int descriptor_;
};

struct Wish {
  Waiting waiting = Waiting::goes_on;
  SpoolCounts counts;  // that the copy must have: those of its manifest
};
struct Restored {
  std::uint64_t untold =
      0;  // recipients that have their end, and whose sender was not yet told of it in the copy
  // What an earlier database left: SQLite would have taken it for a part of the copy. It may have mail in it.
  std::vector<std::filesystem::path> set_aside;
};

// `copy` becomes the spool of `directory`, which is made where it is missing. It is checked as a whole before anything
// is put in place. Failure: permanent, where a server works on the directory, a spool with mail in it is there already,
// a link is in its way, or the copy is damaged, no spool, of a newer format, or not what `wish` says; temporary, where
// it can't be written. Then all is as it was. (Of what is in place the counts are compared again; a failure of that says
// so.)
base::Result<Restored> restore_spool(const OpenCopy& copy, const std::filesystem::path& directory,
                                     const Wish& wish);

// What no database of that kind may lack, of one that is whole. It may throw SqlError; `copy` is for its words.
using CheckCopy = std::function<base::Result<void>(Database& database, const std::filesystem::path& copy)>;

// The same for another database; its folder is made where it is missing. Nothing: there is one already, and it stays.
base::Result<std::optional<Restored>> restore_database(const OpenCopy& copy,
                                                       const std::filesystem::path& file,
                                                       const CheckCopy& check);
base::Result<std::optional<Restored>> restore_timeline(const OpenCopy& copy,
                                                       const std::filesystem::path& directory);

}  // namespace postrider::store
