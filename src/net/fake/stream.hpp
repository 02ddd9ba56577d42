// A peer in memory: what it sends is given beforehand, in pieces; what it hears is kept.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <string>

#include "net/stream.hpp"

namespace postrider::net::fake {

// Outlives the stream.
struct Peer {
  std::deque<std::string> sends;  // one piece for each read; then the end of its stream
  std::string heard;
  std::size_t writes = 0;  // how many pieces it heard
  bool closed = false;
  std::size_t takes =
      std::string::npos;  // so much is heard; then it reads no more, and what it says is there
  bool breaks = false;    // and then the connection is broken
};

// Each wait lets other work of the context go first, so that a test sees the same turns as with a socket.
class Stream final : public net::Stream {
 public:
  Stream(asio::any_io_executor executor, Peer& peer) : executor_(std::move(executor)), peer_(peer) {}
  ~Stream() override { peer_.closed = true; }

  std::optional<std::size_t> try_read(char* into, std::size_t capacity) override;
  std::optional<std::size_t> try_write(std::string_view bytes) override;
  asio::awaitable<void> wait_readable() override;
  asio::awaitable<void> wait_writable() override;
  void finish_writing() noexcept override {}
  void cancel() noexcept override { cancelled_ = true; }
  void resume() noexcept override { cancelled_ = false; }
  void close() noexcept override { peer_.closed = true; }
  asio::any_io_executor executor() override { return executor_; }

 private:
  asio::any_io_executor executor_;
  Peer& peer_;
  asio::awaitable<void> wait();
  bool arrived_ = false;  // the next piece is there: after a wait
  bool cancelled_ = false;
};

}  // namespace postrider::net::fake
