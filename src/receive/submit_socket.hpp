// The Unix socket by which programs on this machine hand in mail. Who is at the other end is what the kernel says.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "receive/dialog.hpp"
#include "sys/descriptor.hpp"

namespace postrider::receive {

using sys::Descriptor;

// One thread accepts, and looks up who a user is, which may block; so it is none of those that serve.
class SubmitSocket {
 public:
  // On the socket's own thread; non-blocking descriptors.
  using Take = std::move_only_function<void(Descriptor, LocalUser)>;

  // Binds FOLDER/socket, mode 0666. A socket that nobody listens on any more is replaced; one on which a server answers
  // is a permanent failure.
  static base::Result<std::unique_ptr<SubmitSocket>> open(const std::filesystem::path& folder);
  void start(Take take);
  // Accepts no more, and removes the socket.
  ~SubmitSocket();

 private:
  struct Inside;
  explicit SubmitSocket(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace postrider::receive
