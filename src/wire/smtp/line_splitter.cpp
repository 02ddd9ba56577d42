#include "wire/smtp/line_splitter.hpp"

namespace postrider::wire::smtp {
namespace {

constexpr std::string_view kBadOctets("\0\r", 2);

}  // namespace

Line next_line(std::string_view buffer, std::size_t limit) {
  const auto lf = buffer.find('\n');
  if (lf == std::string_view::npos) {
    if (buffer.size() < limit) return {};
    return {LineResult::too_long, {}, buffer.size()};
  }
  const auto consumed = lf + 1;
  if (consumed > limit) return {LineResult::too_long, {}, consumed};
  if (lf == 0 || buffer[lf - 1] != '\r') return {LineResult::bare_lf, buffer.substr(0, lf), consumed};
  const auto text = buffer.substr(0, lf - 1);
  const bool bad = text.find_first_of(kBadOctets) != std::string_view::npos;
  return {bad ? LineResult::bad_octet : LineResult::line, text, consumed};
}

}  // namespace postrider::wire::smtp
