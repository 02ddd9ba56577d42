#include "directory/restore.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "directory/registry.hpp"
#include "store/files.hpp"

namespace postrider::directory {
namespace {

namespace fs = std::filesystem;

std::unexpected<base::Failure> cannot(const std::string& doing) {
  return base::temporary({4, 3, 0}, "the directory can't be restored", doing + ": " + std::strerror(errno));
}

// A folder that goes again, with all in it.
class Workshop {
 public:
  explicit Workshop(fs::path folder) : folder_(std::move(folder)) {}
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

base::Result<void> write_copy(int from, const fs::path& to) {
  const int out = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (out < 0) return cannot("making " + to.string());
  std::array<char, 65536> piece{};
  ssize_t size = 0;
  off_t at = 0;
  bool good = true;
  while (good && (size = ::pread(from, piece.data(), piece.size(), at)) > 0) {
    good = ::write(out, piece.data(), static_cast<std::size_t>(size)) == size;
    at += size;
  }
  good = good && size == 0 && ::fsync(out) == 0;
  base::Result<void> result;
  if (!good) result = cannot("writing " + to.string());
  ::close(out);
  return result;
}

// A log of a database that is not there any more would be taken for a part of the copy.
base::Result<void> remove_leftovers(const fs::path& file) {
  for (const char* const part : {"-wal", "-shm", "-journal"}) {
    std::error_code error;
    fs::remove(file.string() + part, error);
    if (error)
      return base::temporary({4, 3, 0}, "the directory can't be restored",
                             "removing " + file.string() + part);
  }
  return {};
}

}  // namespace

base::Result<bool> restore(const store::OpenCopy& copy, const fs::path& folder, sys::Random& random) {
  std::error_code error;
  const fs::path file = Registry::file_in(folder);
  if (fs::symlink_status(file, error).type() != fs::file_type::not_found) return false;
  const Workshop workshop(folder / "directory.partial");
  fs::remove_all(workshop.folder(), error);
  if (const auto made = store::make_directory(workshop.folder()); !made) return std::unexpected(made.error());
  const fs::path candidate = Registry::file_in(workshop.folder());
  if (const auto written = write_copy(copy.descriptor(), candidate); !written)
    return std::unexpected(written.error());
  {
    const auto registry = Registry::open(workshop.folder(), random);
    if (!registry) return std::unexpected(registry.error());
    if (const auto loaded = (*registry)->load(); !loaded) return std::unexpected(loaded.error());
    if (const auto read = (*registry)->all_credentials(); !read) return std::unexpected(read.error());
  }  // closed, so that all is in the one file
  if (const auto removed = remove_leftovers(file); !removed) return std::unexpected(removed.error());
  if (::rename(candidate.c_str(), file.c_str()) != 0) return cannot("renaming " + candidate.string());
  if (!store::sync_path(folder)) return cannot("syncing " + folder.string());
  return true;
}

}  // namespace postrider::directory
