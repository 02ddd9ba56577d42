// Lines of text that may come with any line end.
#pragma once

#include <cstddef>
#include <string_view>

namespace postrider::wire::mime {

// The first line of `text`, which is left at what follows; without its end, LF or CRLF.
constexpr std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace postrider::wire::mime
