// Unix stream sockets by paths of any length, lines over them, and who is at the other end. All calls block, with
// deadlines.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/descriptor.hpp"

namespace postrider::admin {

using sys::Descriptor;

// A socket's path has 107 bytes; a longer one is reached through its folder's descriptor in /proc/self/fd. The number is
// an errno.
std::expected<Descriptor, int> connect_unix(const std::filesystem::path& path);
// Bound and listening, mode 0600 from its first moment.
std::expected<Descriptor, int> listen_unix(const std::filesystem::path& path);

// Same user as this process, or root.
bool is_trusted_peer(int fd);

enum class LineEnd : std::uint8_t {
  line,    // there it is
  closed,  // the other side has ended; a part of a line is dropped
  too_long,
  late,     // the deadline has come
  stopped,  // `stop` is readable
};

// Reads and writes one connection. One thread.
class Lines {
 public:
  // `stop`: a descriptor that ends all waiting when it becomes readable; -1: none. The socket outlives it.
  Lines(int fd, int stop) : fd_(fd), stop_(stop) {}
  // Without its end. At most `longest` bytes, all of them within `patience`.
  LineEnd read(std::string& line, std::size_t longest, base::Milliseconds patience);
  LineEnd write(std::string_view bytes, base::Milliseconds patience);

 private:
  LineEnd wait(short events, base::SteadyTime deadline) const;
  int fd_;
  int stop_;
  std::string buffer_;
};

}  // namespace postrider::admin
