#include "wire/dsn/clean.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::wire::dsn {
namespace {

bool is_control(char c) { return (c >= 0 && c < ' ') || c == 127; }

std::size_t length_at(std::string_view text, std::size_t at) {
  for (std::size_t length = 2; length <= 4 && at + length <= text.size(); ++length) {
    if (base::is_utf8(text.substr(at, length))) return length;
  }
  return 0;
}

}  // namespace

std::size_t whole_characters(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t end = most;
  while (end > 0 && most - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

std::string clean_type(std::string_view type) {
  std::string out;
  for (const char c : type) {
    if ((base::is_alnum(c) || c == '-' || c == '.') && out.size() < kMaxType) out += base::to_lower(c);
  }
  return out;
}

std::string clean(std::string_view text, Charset charset, std::size_t most) {
  std::string out;
  for (std::size_t at = 0; at < text.size() && out.size() <= most;) {
    const char c = text[at];
    if (base::is_ascii(c)) {
      out += is_control(c) ? ' ' : c;
      ++at;
      continue;
    }
    const std::size_t length = charset == Charset::utf8 ? length_at(text, at) : 0;
    if (length == 0) {
      out += '?';
    } else {
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  out.resize(whole_characters(out, most));
  return std::string(base::trim(out));
}

}  // namespace postrider::wire::dsn
