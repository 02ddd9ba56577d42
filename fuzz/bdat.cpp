// A stream of BDAT commands and their chunks: the checker finds the same fault whether the message comes in
// these chunks, at once, or an octet at a time.
#include <algorithm>
#include <string>

#include "wire/smtp/command.hpp"
#include "wire/smtp/data_decoder.hpp"
#include "wire/smtp/line_splitter.hpp"

using namespace postrider::wire::smtp;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

// The first CR or LF that is not half of a CRLF.
ContentFault by_the_book(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return ContentFault::bare_lf;
    if (text[i] != '\r') continue;
    if (i + 1 == text.size() || text[i + 1] != '\n') return ContentFault::bare_cr;
    ++i;
  }
  return ContentFault::none;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ChunkDecoder chunks;
  std::string message;
  for (bool last = false; !last;) {
    const auto line = next_line(rest, kMaxCommandLine);
    if (line.result != LineResult::line) break;
    rest.remove_prefix(line.consumed);
    const auto command = parse_command(line.text, {});
    const auto* bdat = command ? std::get_if<Bdat>(&*command) : nullptr;
    if (!bdat) continue;
    const std::string chunk(rest.substr(0, bdat->size));
    chunks.feed(chunk);
    message += chunk;
    rest.remove_prefix(chunk.size());
    last = bdat->last;
  }
  chunks.finish();
  ChunkDecoder whole;
  whole.feed(message);
  whole.finish();
  ChunkDecoder octets;
  for (const char c : message) octets.feed({&c, 1});
  octets.finish();
  const auto expected = by_the_book(message);
  require(chunks.fault() == expected && whole.fault() == expected && octets.fault() == expected);
  return 0;
}
