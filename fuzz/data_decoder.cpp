// The content of DATA, however it is cut into pieces, against a slow and plain reading of the rule. The first
// octet seeds the sizes of the pieces.
#include "wire/smtp/data_decoder.hpp"

#include <string>

using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  ContentFault fault = ContentFault::none;
  bool ended = false;
  bool operator==(const Decoded&) const = default;
};

template <class NextSize>
Decoded decode(std::string_view input, NextSize next_size) {
  DataDecoder decoder;
  Decoded result;
  while (result.consumed < input.size() && !result.ended) {
    // A copy, so that a read behind the piece is seen.
    const std::string piece(input.substr(result.consumed, next_size()));
    for (std::size_t at = 0; at < piece.size() && !result.ended;) {
      const auto step = decoder.step(std::string_view(piece).substr(at));
      require(step.consumed > 0 || !step.content.empty());
      result.content += step.content;
      result.ended = step.ended;
      at += step.consumed;
      result.consumed += step.consumed;
    }
  }
  result.fault = decoder.fault();
  return result;
}

// The first CR or LF that is not half of a CRLF.
ContentFault first_fault(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return ContentFault::bare_lf;
    if (text[i] != '\r') continue;
    if (i + 1 == text.size() || text[i + 1] != '\n') return ContentFault::bare_cr;
    ++i;
  }
  return ContentFault::none;
}

// `input` has an end of data.
Decoded by_the_book(std::string_view input) {
  std::string text = "\r\n" + std::string(input);
  const auto end = text.find("\r\n.\r\n");
  Decoded result{{}, end + 3, {}, true};
  text.resize(end + 2);
  for (std::size_t at = text.find("\r\n."); at != std::string::npos; at = text.find("\r\n.", at + 2))
    text.erase(at + 2, 1);
  result.content = text.substr(2);
  result.fault = first_fault(result.content);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string input = std::string(reinterpret_cast<const char*>(data) + 1, size - 1) + "\r\n.\r\n";
  const auto expected = by_the_book(input);
  std::uint32_t state = data[0];
  require(decode(input, [] { return std::string_view::npos; }) == expected);
  require(decode(input, [] { return 1; }) == expected);
  require(decode(input, [&] { return 1 + (state = state * 1664525 + 1013904223) / 65536 % 150; }) ==
          expected);
  return 0;
}
