// A byte stream to one peer. Non-blocking attempts, and a wait between them: the shape that a plain socket,
// TLS on that socket and a test's memory have in common, and that lets an idle session hold no buffer.
//
// Thread rule: one thread, the one whose io_context the stream lives on.
// Errors: a broken connection is a boost::system::system_error. A wait that was cancelled throws
// operation_aborted.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>
#include <string_view>

namespace postrider::net {

namespace asio = boost::asio;

class Stream {
 public:
  virtual ~Stream() = default;

  // Octets read (at least 1), 0 at the peer's end of stream, nothing when it would block. After finish_writing() a broken
  // connection may read as its end: there is nothing left that it could break.
  // Fewer than `capacity` mean that just now there are probably no more: to wait is cheaper than to try.
  virtual std::optional<std::size_t> try_read(char* into, std::size_t capacity) = 0;
  // Octets written (at least 1), nothing when it would block.
  virtual std::optional<std::size_t> try_write(std::string_view bytes) = 0;
  // Until try_read() has something to say, be it an error.
  virtual asio::awaitable<void> wait_readable() = 0;
  virtual asio::awaitable<void> wait_writable() = 0;
  // No more will be written; the peer sees the end. Never throws.
  virtual void finish_writing() noexcept = 0;
  // Waits in progress and later ones end with operation_aborted, until resume(): a deadline that passes between two
  // waits is not lost. Never throws.
  virtual void cancel() noexcept = 0;
  virtual void resume() noexcept = 0;
  virtual void close() noexcept = 0;
  virtual asio::any_io_executor executor() = 0;

  // All of it, waiting in between.
  asio::awaitable<void> write_all(std::string_view bytes);
};

// TCP (or any stream socket that Asio knows as one).
class TcpStream final : public Stream {
 public:
  // The socket is made non-blocking, with TCP_NODELAY: we gather what we write ourselves.
  explicit TcpStream(asio::ip::tcp::socket socket);

  std::optional<std::size_t> try_read(char* into, std::size_t capacity) override;
  std::optional<std::size_t> try_write(std::string_view bytes) override;
  asio::awaitable<void> wait_readable() override;
  asio::awaitable<void> wait_writable() override;
  void finish_writing() noexcept override;
  void cancel() noexcept override;
  void resume() noexcept override { cancelled_ = false; }
  void close() noexcept override;
  asio::any_io_executor executor() override { return socket_.get_executor(); }

 private:
  void throw_if_cancelled() const;
  std::optional<std::size_t> receive(char* into, std::size_t capacity);

  asio::ip::tcp::socket socket_;
  // What a wait has read: Asio waits for a read without a call of the kernel, and for readiness alone with one.
  std::array<char, 128> early_;
  std::size_t early_begin_ = 0;
  std::size_t early_end_ = 0;
  boost::system::error_code broken_;  // told by the next read
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace postrider::net
