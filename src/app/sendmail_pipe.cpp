// -bs: SMTP between a program and the server, by standard input and output.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <string>

#include "admin/unix_socket.hpp"
#include "app/sendmail.hpp"
#include "receive/submit_folder.hpp"

namespace postrider::app {
namespace {

// Each end closes with its own time; this is only there so that nothing hangs for ever.
constexpr int kIdle = 3600 * 1000;  // ms
constexpr base::Milliseconds kTaken = std::chrono::minutes(5);

// Many programs end their lines with LF here. Where the first line does, each LF of the whole conversation becomes CRLF; else
// nothing is touched.
class LineEnds {
 public:
  std::string feed(std::string_view piece) {
    std::string out;
    for (const char c : piece) {
      if (c == '\n' && !decided_) {
        decided_ = true;
        repair_ = last_ != '\r';
      }
      if (c == '\n' && repair_ && last_ != '\r') out += '\r';
      out += c;
      last_ = c;
    }
    return out;
  }

 private:
  bool decided_ = false;
  bool repair_ = false;
  char last_ = 0;
};

bool write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

class SmtpPipe {
 public:
  explicit SmtpPipe(int socket) : socket_(socket), lines_(socket, -1) {}

  Ending run() {
    while (!over_) {
      std::array<pollfd, 2> set{pollfd{socket_, POLLIN, 0},
                                pollfd{input_open_ ? STDIN_FILENO : -1, POLLIN, 0}};
      const int ready = ::poll(set.data(), set.size(), kIdle);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return {EX_TEMPFAIL, "nothing was said for an hour"};
      if (set[0].revents != 0) hear();
      if (!over_ && set[1].revents != 0) say();
    }
    return ending_;
  }

 private:
  void hear() {
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0 && write_out({buffer_.data(), static_cast<std::size_t>(got)})) return;
    over_ = true;
    if (got > 0) ending_ = {EX_IOERR, "can't write to standard output"};
  }

  void say() {
    const ssize_t got = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      input_open_ = false;
      ::shutdown(socket_, SHUT_WR);
      return;
    }
    const std::string octets = ends_.feed({buffer_.data(), static_cast<std::size_t>(got)});
    if (lines_.write(octets, kTaken) == admin::LineEnd::line) return;
    input_open_ = false;  // its last words may still come
  }

  int socket_;
  admin::Lines lines_;
  LineEnds ends_;
  std::array<char, 65536> buffer_{};
  Ending ending_;
  bool input_open_ = true;
  bool over_ = false;
};

}  // namespace

Ending pipe_smtp(const SendmailPlace& place) {
  const auto path = receive::submit_socket_path(place.folder);
  const auto socket = admin::connect_unix(path);
  if (socket) return SmtpPipe(socket->get()).run();
  std::cout << "421 4.3.2 the mail server is away, try again later\r\n" << std::flush;
  return {EX_TEMPFAIL, "no server at " + path.string()};
}

}  // namespace postrider::app
