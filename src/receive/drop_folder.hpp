// The folder into which local programs put mail while no server answers: files of strangers, looked at with care.
// One thread. Blocking.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "sys/descriptor.hpp"
#include "wire/submit/submission.hpp"

namespace postrider::receive {

using sys::Descriptor;

// While a program writes a file its name begins with "tmp."; when the file is whole and on the disk, it ends with this.
inline constexpr std::string_view kDropSuffix = ".mail";

// A whole file: its head has been read, and its size is what the head says. Its owner may still change what is in it: each
// octet is to be read once, and checked then.
struct DropFile {
  Descriptor descriptor;
  std::uint32_t uid = 0;  // its owner
  wire::submit::DropHead head;
  std::uint64_t content_at = 0;  // where the header section begins
  // Exactly `size` octets from `at` on; less where the file has become shorter.
  std::string read(std::uint64_t at, std::size_t size) const;
};

// Why a file is not taken: one line, for the log.
struct DropFault {
  std::string why;
  bool gone = false;      // there is no such file any more
  bool is_file = true;    // worth being kept aside; else it is removed
  std::uint32_t uid = 0;  // of its owner, where that is known
};

class DropFolder {
 public:
  // `folder` was prepared by prepare_submit_folder().
  static base::Result<DropFolder> open(const std::filesystem::path& folder);

  // Calls `visit` with the name of everything there that may be whole; half-written files that are older than an hour are
  // removed. Stops where `visit` gives false.
  void for_each(const std::function<bool(const std::string&)>& visit);
  std::expected<DropFile, DropFault> open_file(const std::string& name, std::uint64_t most_content) const;
  void remove(const std::string& name);
  // To aside/, and a line in the log. Beyond kMostAside files there it is removed instead. What can be neither moved nor
  // removed is passed over from now on.
  void set_aside(const std::string& name, const DropFault& fault);
  // What was removed stays removed after a power cut.
  void sync() const;

  // Readable when a file may have come.
  int watch() const { return watch_.get(); }
  void clear_watch() const;
  std::size_t aside() const { return aside_count_; }

  static constexpr std::size_t kMostAside = 1000;

 private:
  void sweep(const std::string& name);

  Descriptor drop_;
  Descriptor aside_;
  Descriptor watch_;
  std::size_t aside_count_ = 0;
  std::set<std::string> passed_over_;  // at most kMostAside
};

}  // namespace postrider::receive
