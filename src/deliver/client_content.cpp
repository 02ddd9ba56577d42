#include "deliver/client_content.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/await_posted.hpp"

namespace postrider::deliver {

using Piece = base::Result<ContentPiece>;

struct ClientContent::Source {
  std::function<std::unique_ptr<queue::Content>()> open;
  std::unique_ptr<queue::Content> content;

  Piece read() {
    ContentPiece piece;
    while (piece.octets.size() < kPiece) {
      auto got = content->next();
      if (!got) return std::unexpected(std::move(got.error()));
      piece.last = got->empty();
      if (piece.last) break;
      if (piece.octets.empty()) {
        piece.octets = std::move(*got);
      } else {
        piece.octets += *got;
      }
    }
    return piece;
  }
};

ClientContent::ClientContent(std::function<std::unique_ptr<queue::Content>()> open, sys::Pool& pool)
    : source_(std::make_shared<Source>(std::move(open), nullptr)), pool_(pool) {}

boost::asio::awaitable<Piece> ClientContent::next() {
  if (!source_->content) source_->content = source_->open();
  if (source_->content->is_in_memory()) co_return source_->read();
  auto piece = co_await net::await_posted<Piece>(kPatience, [this](auto completion) {
    const bool taken =
        pool_.submit([source = source_, done = completion]() mutable { done(source->read()); });
    if (!taken) completion(base::temporary({4, 3, 0}, "too many messages are being read"));
  });
  if (!piece) co_return base::temporary({4, 3, 0}, "the message could not be read in time");
  co_return *std::move(piece);
}

}  // namespace postrider::deliver
