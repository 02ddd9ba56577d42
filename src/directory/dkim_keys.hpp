// The keys that mail of our domains is signed with (DKIM), as files: `postrider dkim` changes them, the server reads them.
//
// In data_dir/dkim, mode 0700, each file mode 0600:
//   example.com.toml                               the keys of the domain, and what is done with each
//   rsa-202611._domainkey.example.com.pem          a private key, under the name that its public half has in the DNS
//
// A key is on the disk before its domain's list names it, and goes after it; a list is replaced as a whole. So a crash leaves at
// most a key that no list names. A list that can't be read is a fault of its domain alone.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/domain.hpp"
#include "sys/descriptor.hpp"

namespace postrider::directory {

enum class DkimState : std::uint8_t {
  published,  // signs nothing yet: its record is to come into the DNS
  signing,
  retired,  // signs no more; its record stays in the DNS for the mail that is on its way
};
std::string_view to_string(DkimState state);

struct DkimKey {
  std::string selector;  // lower case, no dot at either end
  DkimState state = DkimState::published;
  base::UtcTime made{};
  base::UtcTime since{};  // in this state
  bool operator==(const DkimKey&) const = default;
};

inline constexpr std::size_t kMostDkimKeys = 20;  // of a domain

// Both are pure. What is wrong with a list is told with its line. A list of a newer format is refused.
std::string write_dkim_list(const std::vector<DkimKey>& keys);
base::Result<std::vector<DkimKey>> parse_dkim_list(std::string_view text);

// Blocking. Any thread; of several processes that change something one at a time, by lock(). A failure is temporary where the
// disk is to blame, and permanent for a file that makes no sense; the log text has its path.
class DkimFolder {
 public:
  explicit DkimFolder(const std::filesystem::path& data_dir) : folder_(data_dir / "dkim") {}

  // Those with a list, in order. None where there is no folder yet.
  base::Result<std::vector<mail::Domain>> domains() const;
  // No list: no keys.
  base::Result<std::vector<DkimKey>> list(const mail::Domain& domain) const;
  // The private key, in PEM.
  base::Result<std::string> key(const mail::Domain& domain, std::string_view selector) const;
  // What changes with each change that is made by the functions below, unless they come within the same tick of the file system's
  // clock (some ms); and of one domain's list.
  std::string state() const;
  std::string state(const mail::Domain& domain) const;

  // Makes the folder where it is missing. Until what it gives is destroyed nobody else has it; failure: somebody has.
  base::Result<sys::Descriptor> lock() const;
  // On the disk when they return. A key that is there already is never overwritten.
  base::Result<void> put_key(const mail::Domain& domain, std::string_view selector,
                             std::string_view pem) const;
  base::Result<void> put_list(const mail::Domain& domain, const std::vector<DkimKey>& keys) const;
  // An empty list, and a key; what is not there is no failure.
  base::Result<void> remove_list(const mail::Domain& domain) const;
  base::Result<void> remove_key(const mail::Domain& domain, std::string_view selector) const;

  std::filesystem::path file_of(const mail::Domain& domain) const;
  std::filesystem::path file_of(const mail::Domain& domain, std::string_view selector) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace postrider::directory
