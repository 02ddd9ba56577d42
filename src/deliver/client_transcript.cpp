#include "deliver/client_transcript.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::deliver {
namespace {

constexpr std::size_t kHead = 4 * 1024;
constexpr std::size_t kLine = 2048;  // octets of one line that are kept
constexpr std::string_view kGap = "[...]\n";

}  // namespace

void Transcript::sent(std::string_view lines) {
  while (!lines.empty()) {
    const auto end = std::min(lines.find("\r\n"), lines.size());
    add("C: ", lines.substr(0, end));
    lines.remove_prefix(std::min(end + 2, lines.size()));
  }
}

void Transcript::heard(std::string_view line) { add("S: ", line); }

void Transcript::note(std::string_view what) {
  add("[", what);
  text_.insert(text_.size() - 1, 1, ']');
}

void Transcript::add(std::string_view who, std::string_view line) {
  line = line.substr(0, kLine);
  text_ += who;
  // The server's octets are a stranger's: they may not forge a line, or move a terminal's cursor.
  for (const char c : line) text_ += base::is_ascii(c) && (c < ' ' || c == 0x7F) ? '?' : c;
  text_ += '\n';
  if (text_.size() + 1 < kMost) return;
  // A gap that was made before begins at the same place, and goes with what follows it.
  const auto from = text_.find('\n', kHead) + 1;
  const auto to = text_.find('\n', kMost / 2) + 1;
  text_.replace(from, to - from, kGap);
}

}  // namespace postrider::deliver
