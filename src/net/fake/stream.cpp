#include "net/fake/stream.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace postrider::net::fake {

std::optional<std::size_t> Stream::try_read(char* into, std::size_t capacity) {
  if (!arrived_) return {};
  if (peer_.sends.empty()) return 0;
  auto& piece = peer_.sends.front();
  const std::size_t taken = std::min(capacity, piece.size());
  std::ranges::copy(piece.substr(0, taken), into);
  piece.erase(0, taken);
  if (piece.empty()) {
    peer_.sends.pop_front();
    arrived_ = false;
  }
  // An empty piece would look like the end of the stream.
  return taken > 0 ? std::optional(taken) : std::nullopt;
}

std::optional<std::size_t> Stream::try_write(std::string_view bytes) {
  if (peer_.heard.size() >= peer_.takes) {
    arrived_ = true;
    if (peer_.breaks) throw boost::system::system_error(asio::error::broken_pipe);
    return {};
  }
  bytes = bytes.substr(0, peer_.takes - peer_.heard.size());
  peer_.heard += bytes;
  ++peer_.writes;
  return bytes.size();
}

asio::awaitable<void> Stream::wait_readable() {
  co_await wait();
  arrived_ = true;
}

asio::awaitable<void> Stream::wait_writable() { return wait(); }

asio::awaitable<void> Stream::wait() {
  if (cancelled_) throw boost::system::system_error(asio::error::operation_aborted);
  co_await asio::post(executor_, asio::use_awaitable);
}

}  // namespace postrider::net::fake
