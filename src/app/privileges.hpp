// From root to the user that the configuration names, and from all capabilities to the one that is needed. To be called
// while the process has one thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"

namespace postrider::app {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
};
base::Result<Identity> find_user(const std::string& name);

// Makes the folder (and its parents) and gives it to `user` where it is new. Empty: keep the owner.
base::Result<void> make_folder_for(const std::filesystem::path& folder, const std::string& user,
                                   mode_t mode = 0700);
// The same for data_dir, through which programs of this machine's users come to the submit folder; they see nothing else of it.
// Only one that is new is opened to them: of another the server says what is to be done.
base::Result<void> make_data_dir(const config::Config& config);

// For good: groups, group and user; of the capabilities nothing stays but CAP_NET_BIND_SERVICE (where it was there), so
// that ports below 1024 can still be opened; and nothing that is executed later gives any (no_new_privs, empty bounding
// set). Empty: the user stays; one that stays root keeps what its own files, others' mailboxes and programs of other users
// need. Fails where we are not root and not already that user.
base::Result<void> become(const std::string& user);

// For the log: "postrider", and "net_bind_service", or "none".
std::string user_in_force();
std::string group_in_force();
std::string capabilities_in_force();

}  // namespace postrider::app
