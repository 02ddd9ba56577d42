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
#include "net/tls_context.hpp"
#include "net/watchdog.hpp"

namespace postrider::deliver {

// Thread rule: the stream's thread. A broken connection is a boost::system::system_error: eof, what the system says,
// timed_out after a deadline, operation_aborted after cancel(), and errc::bad_message for what is no reply (a line of
// more than 2,048 octets, more than 100 lines, lines of different codes). A peer that sends faster than it is read does
// not keep the thread: after kLinesInARow others have their turn, and the deadline is looked at.
class ClientConnection {
 public:
  explicit ClientConnection(std::unique_ptr<net::Stream> stream);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // No step goes on after `end`.
  void set_end(base::SteadyTime end) { end_ = end; }
  // What follows may take so long, all together, until the next call.
  void allow(base::Milliseconds step);
  // No deadline: nothing is waited for here.
  void rest();

  boost::asio::awaitable<void> send(std::string_view octets);
  boost::asio::awaitable<mail::Reply> reply();
  // The handshake, behind the reply to STARTTLS. What was said behind that reply was said in clear, by anybody: then it is
  // errc::bad_message. RFC 3207 4.2
  boost::asio::awaitable<void> start_tls(net::TlsClient& client, net::TlsClient::Options options);
  // Null: in clear.
  const net::TlsStream* tls() const { return tls_; }
  // Nothing came that nobody asked for, and the peer has not closed. Never waits.
  bool is_quiet();
  // What came and was not read, without waiting; valid until the next call.
  std::string_view unread();

  // No more will be sent.
  void finish() noexcept { stream_->finish_writing(); }
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
  const net::TlsStream* tls_ = nullptr;  // the same, where it is one
  net::Watchdog watchdog_;
  base::SteadyTime end_ = base::SteadyTime::max();
  base::SteadyTime deadline_ = base::SteadyTime::max();
  std::string buffer_;        // what came; at most kBuffer octets
  std::size_t used_ = 0;      // of these
  std::size_t in_a_row_ = 0;  // lines since the last wait
  bool drained_ = false;      // the last read had room for more
  bool cancelled_ = false;
};

}  // namespace postrider::deliver
