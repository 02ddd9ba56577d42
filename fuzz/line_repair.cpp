// Line ends, however the content is cut into pieces: all of them CRLF afterwards, and nothing else changed. The first octet
// seeds the sizes of the pieces.
#include "wire/smtp/line_repair.hpp"

#include <string>

using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

template <class NextSize>
std::string repair(std::string_view input, NextSize next_size) {
  LineRepair repair({});
  std::string out;
  while (!input.empty()) {
    // A copy, so that a read behind the piece is seen.
    const std::string piece(input.substr(0, next_size()));
    repair.feed(piece, LineRepair::From::bdat, out);
    input.remove_prefix(piece.size());
  }
  repair.finish(out);
  return out;
}

std::string by_the_book(std::string_view input) {
  std::string out;
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (input[i] == '\r' && i + 1 < input.size() && input[i + 1] == '\n') ++i;
    if (input[i] == '\r' || input[i] == '\n')
      out += "\r\n";
    else
      out += input[i];
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string expected = by_the_book(input);
  std::uint32_t state = data[0];
  require(repair(input, [] { return std::string_view::npos; }) == expected);
  require(repair(input, [] { return 1; }) == expected);
  require(repair(input, [&] { return 1 + (state = state * 1664525 + 1013904223) / 65536 % 150; }) ==
          expected);
  return 0;
}
