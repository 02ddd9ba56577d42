// The keys that mail is signed with now, by domain, as the files of directory/dkim_keys have them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "directory/dkim_keys.hpp"
#include "wire/dkim/sign.hpp"

namespace postrider::policy {

// Immutable once it is loaded; any thread.
class SigningKeys {
 public:
  using Keys = std::vector<wire::dkim::SigningKey>;

  struct Loaded;
  enum class Read : bool { changed, all };
  // Reads what has changed since `before`, and what was at fault then; or all. One damaged file takes nothing out of force: what
  // its domain signed with before, it signs with further on. Blocking.
  static Loaded load(const directory::DkimFolder& folder, const SigningKeys& before, Read what);

  // Of the domain, or of the nearest above it that has some: a signature of example.com stands for mail of mx.example.com as well
  // (with relaxed alignment, RFC 9989 4.7). Null: there is none. Lives as long as this.
  const Keys* of(const mail::Domain& domain) const;
  // The same selectors sign for the same domains.
  bool is_like(const SigningKeys& other) const;
  // Of all domains together.
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::string state;  // of the domain's list, when it was read; empty: read it again
    Keys keys;
  };
  static Entry read(const directory::DkimFolder& folder, const mail::Domain& domain, const Entry* before,
                    std::vector<std::string>& faults);
  const Entry* find(const mail::Domain& domain) const;
  std::vector<std::string> names() const;              // of all keys, in the DNS
  std::map<std::string, Entry, std::less<>> domains_;  // by A-labels; all that have a list
  std::size_t size_ = 0;
};

struct SigningKeys::Loaded {
  SigningKeys keys;
  std::vector<std::string> faults;  // one line each, with the file
};

}  // namespace postrider::policy
