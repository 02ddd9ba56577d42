// A message that somebody wants looked at, as it lies in a file: told apart into header section and body while it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "wire/mime/header_fields.hpp"
#include "wire/smtp/line_repair.hpp"

namespace postrider::app {

// Takes a message in pieces of any size. Lines may end in LF or CRLF; what is handed on has CRLF. A mailbox file's "From "
// line before the header is left out. One thread at a time. Memory: kMostHeader and a piece.
class MessageSplitter {
 public:
  static constexpr std::size_t kMostHeader = 1u << 20;
  using Sink = std::function<void(std::string_view)>;

  // `header` is called once, with all fields and without the blank line, `body` behind it as often as it takes.
  MessageSplitter(Sink header, Sink body);

  // False: the header section is larger than kMostHeader, and nothing more is of use.
  bool feed(std::string_view piece);
  bool finish();
  std::uint64_t size() const { return size_; }  // with CRLF, without the "From " line

 private:
  std::string_view without_from_line(std::string_view piece);
  bool take(std::string_view text);
  bool begin_body();

  Sink header_, body_;
  wire::smtp::LineRepair lines_;
  wire::mime::HeaderCollector collector_{kMostHeader};
  std::string start_;  // the first octets, until it is known whether they are a "From " line
  enum class Start : std::uint8_t { unknown, from_line, over } at_ = Start::unknown;
  std::string gathered_;  // until the header is over
  bool in_body_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace postrider::app
