// Files that tell a test what is done to them, and fail when it says so.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "deliver/files.hpp"

namespace postrider::deliver::testing {

// The true file system beneath. Events that matter for durability are noted in order: "create PATH", "write PATH",
// "sync PATH" (fdatasync), "sync PATH/" (a folder), "sync *" (the file system), "rename PATH PATH", "remove PATH",
// "make PATH/". Paths are relative to the test's folder, file names cut to their last folder: "bob/tmp".
class WatchedFiles final : public Files {
 public:
  explicit WatchedFiles(std::filesystem::path root) : root_(std::move(root)) {}

  std::vector<std::string> events;
  // Called before each; an errno value makes it fail.
  std::function<int(const std::string& event)> before = [](const std::string&) { return 0; };
  std::size_t count(const std::string& event) const {
    return static_cast<std::size_t>(std::ranges::count(events, event));
  }

  Tried<void> make_directory(int at, const std::string& name) override {
    if (const int error = note("make " + path(at) + name + "/")) return std::unexpected(error);
    return Files::make_directory(at, name);
  }
  Tried<Handle> create(int at, const std::string& name) override {
    if (const int error = note("create " + folder(at))) return std::unexpected(error);
    return Files::create(at, name);
  }
  Tried<void> write(int fd, std::string_view bytes) override {
    if (const int error = note("write " + file(fd))) return std::unexpected(error);
    return Files::write(fd, bytes);
  }
  Tried<void> sync_data(int fd) override {
    if (const int error = note("sync " + file(fd))) return std::unexpected(error);
    return Files::sync_data(fd);
  }
  Tried<void> sync_directory(int fd) override {
    if (const int error = note("sync " + path(fd))) return std::unexpected(error);
    return Files::sync_directory(fd);
  }
  Tried<void> sync_file_system(int) override {
    if (const int error = note("sync *")) return std::unexpected(error);
    return {};  // the machine's own disk is not part of the test
  }
  Tried<void> rename(int from_at, const std::string& from, int to_at, const std::string& to) override {
    if (const int error = note("rename " + folder(from_at) + " " + folder(to_at)))
      return std::unexpected(error);
    return Files::rename(from_at, from, to_at, to);
  }
  Tried<void> remove(int at, const std::string& name) override {
    if (const int error = note("remove " + folder(at))) return std::unexpected(error);
    return Files::remove(at, name);
  }

 private:
  int note(std::string event) {
    events.push_back(event);
    return before(event);
  }
  std::string folder(int fd) const {
    const auto absolute = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    return absolute.lexically_relative(root_).string();
  }
  std::string path(int fd) const {
    const std::string name = folder(fd);
    return name.starts_with("..") ? "/" : name + "/";
  }
  std::string file(int fd) const { return std::filesystem::path(folder(fd)).parent_path().string(); }

  std::filesystem::path root_;
};

}  // namespace postrider::deliver::testing
