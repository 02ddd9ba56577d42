// A message's bytes for a coroutine: read on other threads, as they block.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "queue/courier.hpp"
#include "sys/pool.hpp"

namespace postrider::deliver {

struct ContentPiece {
  std::string
      octets;  // kPiece and what the source gave at once more, at most; may be empty where it is the last
  bool last = false;
};

// One thread, one reader at a time. The pool outlives it, or at least finishes before its thread ends.
class ClientContent {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;  // less only at the end
  // A disk that takes longer is in trouble.
  static constexpr base::Milliseconds kPatience = std::chrono::seconds(60);

  ClientContent(std::function<std::unique_ptr<queue::Content>()> open, sys::Pool& pool);
  // The next piece; not to be called after the last one, or after a failure (temporary, x.3.0).
  boost::asio::awaitable<base::Result<ContentPiece>> next();

 private:
  struct Source;
  std::shared_ptr<Source> source_;  // with the thread that reads, which may be late
  sys::Pool& pool_;
};

}  // namespace postrider::deliver
