#include "net/stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>

namespace postrider::net {
namespace {

[[noreturn]] void throw_errno(int error) {
  throw boost::system::system_error(error, boost::system::system_category());
}

}  // namespace

asio::awaitable<void> Stream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    if (const auto written = try_write(bytes)) {
      bytes.remove_prefix(*written);
    } else {
      co_await wait_writable();
    }
  }
}

TcpStream::TcpStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

std::optional<std::size_t> TcpStream::try_read(char* into, std::size_t capacity) {
  const std::size_t early = std::min(early_end_ - early_begin_, capacity);
  std::copy_n(early_.data() + early_begin_, early, into);
  early_begin_ += early;
  // The wait had room for more, or this read has none.
  if (early > 0 && (early_end_ < early_.size() || early == capacity)) return early;
  const auto more = broken_ ? std::nullopt : receive(into + early, capacity - early);
  if (early > 0) return early + more.value_or(0);
  if (more || !broken_) return more;
  // Clients that close without reading our last word are many, and an exception for each costs what a small message does.
  if (broken_ == asio::error::eof || (broken_ == asio::error::connection_reset && finished_)) return 0;
  throw boost::system::system_error(broken_);
}

// Nothing where it would block, or where the connection is broken.
std::optional<std::size_t> TcpStream::receive(char* into, std::size_t capacity) {
  for (;;) {
    const auto got = ::recv(socket_.native_handle(), into, capacity, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
    if (errno == EINTR) continue;
    broken_ = boost::system::error_code(errno, boost::system::system_category());
    return {};
  }
}

std::optional<std::size_t> TcpStream::try_write(std::string_view bytes) {
  for (;;) {
    const auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
    if (errno != EINTR) throw_errno(errno);
  }
}

void TcpStream::throw_if_cancelled() const {
  if (cancelled_) throw boost::system::system_error(asio::error::operation_aborted);
}

asio::awaitable<void> TcpStream::wait_readable() {
  throw_if_cancelled();
  if (early_begin_ < early_end_ || broken_) co_return;
  boost::system::error_code error;
  early_begin_ = early_end_ = 0;
  early_end_ = co_await socket_.async_read_some(asio::buffer(early_),
                                                asio::redirect_error(asio::use_awaitable, error));
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  broken_ = error;
}

asio::awaitable<void> TcpStream::wait_writable() {
  throw_if_cancelled();
  co_await socket_.async_wait(asio::socket_base::wait_write, asio::use_awaitable);
}

void TcpStream::finish_writing() noexcept {
  finished_ = true;
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void TcpStream::cancel() noexcept {
  cancelled_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void TcpStream::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace postrider::net
