#include "wire/mime/lexer.hpp"

#include "base/ascii.hpp"

namespace postrider::wire::mime {

std::size_t quoted_pair(std::string_view raw, std::size_t at) {
  ++at;
  if (at < raw.size() && (raw[at] == '\r' || raw[at] == '\n')) return skip_space(raw, at);
  return at;
}

Span quoted_string(std::string_view raw, std::size_t at) {
  for (std::size_t i = at + 1; i < raw.size(); ++i) {
    if (raw[i] == '\\') {
      i = quoted_pair(raw, i);
    } else if (raw[i] == '"') {
      return {raw.substr(at + 1, i - at - 1), i + 1};
    }
  }
  return {raw.substr(at + 1), raw.size(), false};
}

Span comment(std::string_view raw, std::size_t at) {
  std::size_t depth = 1;
  for (std::size_t i = at + 1; i < raw.size(); ++i) {
    if (raw[i] == '\\') {
      i = quoted_pair(raw, i);
    } else if (raw[i] == '(') {
      ++depth;
    } else if (raw[i] == ')' && --depth == 0) {
      return {raw.substr(at + 1, i - at - 1), i + 1};
    }
  }
  return {raw.substr(at + 1), raw.size(), false};
}

std::size_t skip_space(std::string_view raw, std::size_t at) {
  while (at < raw.size() && is_space(raw[at])) ++at;
  return at;
}

std::size_t skip_cfws(std::string_view raw, std::size_t at) {
  for (;;) {
    at = skip_space(raw, at);
    if (at >= raw.size() || raw[at] != '(') return at;
    at = comment(raw, at).end;
  }
}

std::string without_folds(std::string_view raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size();) {
    if (raw[i] == '\r' || raw[i] == '\n') {
      i = skip_space(raw, i);
    } else {
      out.push_back(raw[i++]);
    }
  }
  return std::string(base::trim(out));
}

}  // namespace postrider::wire::mime
