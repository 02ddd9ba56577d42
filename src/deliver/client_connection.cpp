#include "deliver/client_connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "wire/smtp/reply.hpp"

namespace postrider::deliver {

using boost::asio::awaitable;
using boost::system::system_error;

namespace {

constexpr std::size_t kBuffer = 16 * 1024;
constexpr std::size_t kMostLine = 4096;  // more than the longest that ReplyParser bears

[[noreturn]] void not_a_reply() { throw system_error(make_error_code(boost::system::errc::bad_message)); }

}  // namespace

ClientConnection::ClientConnection(std::unique_ptr<net::Stream> stream)
    : stream_(std::move(stream)), watchdog_(stream_->executor(), [this] { stream_->cancel(); }) {}

void ClientConnection::allow(base::Milliseconds step) {
  deadline_ = std::min(std::chrono::steady_clock::now() + step, end_);
  watchdog_.set(deadline_);
}

void ClientConnection::rest() {
  deadline_ = base::SteadyTime::max();
  watchdog_.clear();
}

void ClientConnection::cancel() noexcept {
  cancelled_ = true;
  stream_->cancel();
}

awaitable<void> ClientConnection::send(std::string_view octets) {
  try {
    co_await stream_->write_all(octets);
  } catch (const system_error& error) {
    rethrow(error);
  }
}

awaitable<mail::Reply> ClientConnection::reply() {
  wire::smtp::ReplyParser parser;
  for (;;) {
    const std::string_view said = co_await line();
    transcript.heard(said);
    if (parser.feed(said)) co_return parser.take();
    if (parser.bad()) not_a_reply();
  }
}

// The next line, without its end: a view of the buffer. A bare LF ends a line too; what matters is the code.
awaitable<std::string_view> ClientConnection::line() {
  if (++in_a_row_ > kLinesInARow) co_await let_others_go();
  for (;;) {
    if (const auto end = buffer_.find('\n', used_); end != std::string::npos) {
      std::string_view text(buffer_.data() + used_, end - used_);
      used_ = end + 1;
      if (text.ends_with('\r')) text.remove_suffix(1);
      co_return text;
    }
    buffer_.erase(0, used_);
    used_ = 0;
    if (buffer_.size() >= kMostLine) not_a_reply();
    try {
      // A stream that was cancelled waits no more, and what came before is read all the same.
      const bool wait_first = std::exchange(drained_, false) && !cancelled_ && !watchdog_.expired();
      if (!wait_first && read_some()) continue;
      in_a_row_ = 0;
      co_await stream_->wait_readable();
    } catch (const system_error& error) {
      rethrow(error);
    }
  }
}

// No timer runs, and no cancel() is felt, as long as there is always something to read.
awaitable<void> ClientConnection::let_others_go() {
  in_a_row_ = 0;
  co_await boost::asio::post(stream_->executor(), boost::asio::use_awaitable);
  if (std::chrono::steady_clock::now() >= deadline_) throw system_error(boost::asio::error::timed_out);
  if (cancelled_) throw system_error(boost::asio::error::operation_aborted);
}

bool ClientConnection::read_some() {
  // Nothing is suspended between the read and the copy: one array serves all connections of the thread.
  thread_local std::array<char, kBuffer> octets;
  const std::size_t room = kBuffer - std::min(kBuffer - 1, buffer_.size());
  const auto got = stream_->try_read(octets.data(), room);
  if (!got) return false;
  drained_ = *got < room;
  if (*got == 0) throw system_error(boost::asio::error::eof);
  buffer_.append(octets.data(), *got);
  return true;
}

awaitable<void> ClientConnection::start_tls(net::TlsClient& client, net::TlsClient::Options options) {
  if (!unread().empty()) not_a_reply();
  auto made = client.connect(std::move(stream_), std::move(options));
  auto* tls = made.get();
  stream_ = std::move(made);
  tls_ = tls;
  try {
    co_await tls->handshake();
  } catch (const system_error& error) {
    rethrow(error);
  }
}

bool ClientConnection::is_quiet() {
  try {
    return used_ == buffer_.size() && !read_some();
  } catch (const system_error&) {
    return false;
  }
}

std::string_view ClientConnection::unread() {
  try {
    if (used_ == buffer_.size()) read_some();
  } catch (const system_error&) {
    // The next read finds it too.
  }
  return std::string_view(buffer_).substr(used_);
}

void ClientConnection::rethrow(const system_error& error) const {
  if (error.code() == boost::asio::error::operation_aborted && watchdog_.expired())
    throw system_error(boost::asio::error::timed_out);
  throw error;
}

}  // namespace postrider::deliver
