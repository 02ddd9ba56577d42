// The client's end of a connection: octets out, replies in, each step with its deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "deliver/client_transcript.hpp"
#include "mail/reply.hpp"
#include "net/stream.hpp"
#include "net/watchdog.hpp"

namespace postrider::deliver {

// Thread rule: the stream's thread. A broken connection is a boost::system::system_error: eof, what the system says,
// timed_out after a deadline, operation_aborted after cancel(), and errc::bad_message for what is no reply (a line of
// more than 2,048 octets, more than 100 lines, lines of different codes). A peer that sends faster than it is read does
// not keep the thread: after kLinesInARow others have their turn, and the deadline is looked at.
class ClientConnection {
 public:
  explicit ClientConnection(std::unique_ptr<net::Stream> stream);

  // No step goes on after `end`.
  void set_end(base::SteadyTime end) { end_ = end; }
  // What follows may take so long, all together, until the next call.
  void allow(base::Milliseconds step);
  // No deadline: nothing is waited for here.
  void rest();

  boost::asio::awaitable<void> send(std::string_view octets);
  boost::asio::awaitable<mail::Reply> reply();
  // Nothing came that nobody asked for, and the peer has not closed. Never waits.
  bool is_quiet();
  // What came and was not read, without waiting; valid until the next call.
  std::string_view unread();

  // What waits, and all that follows, ends with operation_aborted.
  void cancel() noexcept;

  Transcript transcript;

  static constexpr std::size_t kLinesInARow = 64;

 private:
  boost::asio::awaitable<std::string_view> line();
  boost::asio::awaitable<void> let_others_go();
  bool read_some();  // false: nothing there yet
  [[noreturn]] void rethrow(const boost::system::system_error& error) const;

  std::unique_ptr<net::Stream> stream_;
  net::Watchdog watchdog_;
  base::SteadyTime end_ = base::SteadyTime::max();
  base::SteadyTime deadline_ = base::SteadyTime::max();
  std::string buffer_;        // what came; at most kBuffer octets
  std::size_t used_ = 0;      // of these
  std::size_t in_a_row_ = 0;  // lines since the last wait
  bool cancelled_ = false;
};

}  // namespace postrider::deliver
