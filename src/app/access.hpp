// The files and folders that the server needs once it is its user, and whether that user may use them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"

namespace postrider::app {

enum class Use : std::uint8_t {
  read,   // a file
  write,  // a folder: enter, list, make and remove
};

struct Needed {
  std::filesystem::path path;
  Use use = Use::read;
  std::string key;                     // who names it: "data_dir", "dns.trust_anchors"
  bool vital = false;                  // nothing goes on without it
  std::uint32_t line = 0, column = 0;  // where, as far as that is known
};

// All that `config` names, except what lies below another one that it names. Of a mailbox path: what stands before its
// first {placeholder}.
std::vector<Needed> needed_paths(const config::Config& config);

struct Denied {
  Needed what;
  config::Fault fault;  // "user postrider can't write in data_dir /srv/mail: Permission denied; chown -R ..."
};
// Those that the present user (the effective one) can't use as it is needed. What does not exist is not among them. `file`
// is the fault's.
std::vector<Denied> denied_paths(const std::vector<Needed>& needed, const std::string& file);
// The same for another user, where we are root: a child process becomes that user and tries. Where we are neither
// root nor that user nobody can know, and the list is empty. Requires one thread. Failure: no such user.
base::Result<std::vector<Denied>> denied_paths_of(const std::string& user, const std::vector<Needed>& needed,
                                                  const std::string& file);

}  // namespace postrider::app
