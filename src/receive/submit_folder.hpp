// Where programs on this machine hand in mail: FOLDER/socket to a running server, FOLDER/drop while it is away, FOLDER/aside for what
// made no sense. Blocking.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "receive/dialog.hpp"

namespace postrider::receive {

// Makes what is missing: FOLDER 0711, drop 1733 (all may put something in, nobody may see or take what others did), aside
// 0700. Refuses a folder that is another user's, or that others may write in. Logs a warning where other users can't
// come to it. To be called as the user that the server runs as. Failure: permanent 5.3.5.
base::Result<void> prepare_submit_folder(const std::filesystem::path& folder);

std::filesystem::path submit_socket_path(const std::filesystem::path& folder);
std::filesystem::path drop_path(const std::filesystem::path& folder);
std::filesystem::path aside_path(const std::filesystem::path& folder);

// What a session with a local program calls its listener; no [[listener]] is like it.
config::Listener submit_listener();

// With the name that the system has for it, else "uid1000". May ask the network.
LocalUser local_user(std::uint32_t uid);

}  // namespace postrider::receive
