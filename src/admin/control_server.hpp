// The control socket: who may read the server's files may see its queue and change it.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "directory/login_guard.hpp"
#include "queue/operator.hpp"
#include "sys/clock.hpp"
#include "sys/descriptor.hpp"

namespace postrider::admin {

// runtime_dir/control, a Unix stream socket of mode 0600 in a folder of mode 0700 (made where it is missing). Each line is
// a request (request.hpp), each answer a line; the peer has to be root or this process's user. 16 connections at a time;
// a line has at most 1 MiB and must be there within 60 s; an answer must be taken within 60 s.
//
// One thread accepts, and each connection has one while it is there, on which the desk's calls block.
class ControlServer {
 public:
  // Begins to answer. A socket that nobody listens on any more is replaced; one on which a server answers is not:
  // permanent failure then. So it is where the folder can't be used: it is somebody else's, or others may write
  // there. Becoming another user comes before this. The desk, the clock and the guard outlive it. `passed`: a socket that
  // listens at that path already, and that somebody else removes.
  static base::Result<std::unique_ptr<ControlServer>> start(const std::filesystem::path& runtime_dir,
                                                            queue::Operator& desk,
                                                            const sys::Clock& clock = sys::system_clock(),
                                                            directory::LoginGuard* guard = nullptr,
                                                            sys::Descriptor passed = {});
  // Ends all connections, after the request that each is at (the desk gives up after 30 s at the latest), and removes
  // the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Inside;
  explicit ControlServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

// Where the socket is.
std::filesystem::path control_path(const std::filesystem::path& runtime_dir);

}  // namespace postrider::admin
