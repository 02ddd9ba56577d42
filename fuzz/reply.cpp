// What another server answers: parsed within bounds, free of control characters, and encoded so that it
// parses to the same reply.
#include "wire/smtp/reply.hpp"

#include <algorithm>
#include <string>

#include "wire/smtp/line_splitter.hpp"

using namespace postrider;
using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

bool has_long_line(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    length = c == '\n' ? 0 : length + 1;
    if (length > 480) return true;
  }
  return false;
}

void check(const mail::Reply& reply) {
  require(reply.code >= 200 && reply.code <= 559);
  require(!reply.enhanced || reply.enhanced->cls == reply.code / 100);
  require(std::ranges::all_of(
      reply.text, [](char c) { return c == '\n' || c == '\t' || c < 0 || (c >= ' ' && c != 127); }));
  std::string out;
  encode(reply, out);
  ReplyParser parser;
  bool whole = false;
  for (std::string_view rest = out; !rest.empty();) {
    const auto line = next_line(rest, 512);
    require(line.result == LineResult::line && !whole);
    whole = parser.feed(line.text);
    rest.remove_prefix(line.consumed);
  }
  require(whole && (has_long_line(reply.text) || parser.take() == reply));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ReplyParser parser;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (parser.feed(text.substr(begin, end - begin))) check(parser.take());
    begin = end + 1;
  }
  return 0;
}
