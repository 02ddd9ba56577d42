#include "app/verify_message.hpp"

#include <limits>
#include <utility>

namespace postrider::app {
namespace {

constexpr std::string_view kFromLine = "From ";

}  // namespace

MessageSplitter::MessageSplitter(Sink header, Sink body)
    : header_(std::move(header)),
      body_(std::move(body)),
      lines_({.line = std::numeric_limits<std::size_t>::max()}) {}

bool MessageSplitter::feed(std::string_view piece) {
  if (at_ == Start::unknown) {
    start_ += piece;
    if (start_.size() < kFromLine.size()) return true;
    at_ = start_.starts_with(kFromLine) ? Start::from_line : Start::over;
    return feed(std::exchange(start_, {}));
  }
  piece = without_from_line(piece);
  std::string text;
  lines_.feed(piece, wire::smtp::LineRepair::From::bdat, text);
  return take(text);
}

bool MessageSplitter::finish() {
  if (at_ == Start::unknown) {
    at_ = Start::over;
    if (!feed(std::exchange(start_, {}))) return false;
  }
  std::string text;
  lines_.finish(text);
  if (!take(text)) return false;
  if (in_body_) return true;
  return collector_.finish() == wire::mime::HeaderCollector::State::complete && begin_body();
}

std::string_view MessageSplitter::without_from_line(std::string_view piece) {
  if (at_ != Start::from_line) return piece;
  const auto end = piece.find('\n');
  if (end == std::string_view::npos) return {};
  at_ = Start::over;
  return piece.substr(end + 1);
}

bool MessageSplitter::take(std::string_view text) {
  using State = wire::mime::HeaderCollector::State;
  size_ += text.size();
  if (in_body_) {
    body_(text);
    return true;
  }
  gathered_ += text;
  const State state = collector_.feed(text);
  if (state == State::need_more) return true;
  return state == State::complete && begin_body();
}

bool MessageSplitter::begin_body() {
  in_body_ = true;
  header_(collector_.header());
  if (collector_.body_offset() < gathered_.size())
    body_(std::string_view(gathered_).substr(collector_.body_offset()));
  gathered_ = {};
  return true;
}

}  // namespace postrider::app
