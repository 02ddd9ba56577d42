// What the structured fields have in common: comments, quoted strings, white space. All work on raw values
// with folds in them. Nesting is counted, not recursed, so that its depth costs nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::wire::mime {

// White space of a raw value. A bare CR or LF can't come from SMTP; where one is met it counts as white
// space.
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// `raw[at]` is a backslash: the offset of the character that it quotes, behind a fold that may stand between
// them; raw.size() where there is none. RFC 5322 3.2.1
std::size_t quoted_pair(std::string_view raw, std::size_t at);

// A delimited piece of a raw value.
struct Span {
  std::string_view inside;  // without the delimiters, still raw
  std::size_t end = 0;      // offset behind the closing delimiter, or raw.size() where it is missing
  bool closed = true;
};

// `raw[at]` is a quotation mark. RFC 5322 3.2.4
Span quoted_string(std::string_view raw, std::size_t at);
// `raw[at]` is an opening parenthesis; comments nest. RFC 5322 3.2.2
Span comment(std::string_view raw, std::size_t at);
// Behind white space and comments from `at` on.
std::size_t skip_cfws(std::string_view raw, std::size_t at);
std::size_t skip_space(std::string_view raw, std::size_t at);

// `raw` trimmed, without its folds and the white space that they add.
std::string without_folds(std::string_view raw);

}  // namespace postrider::wire::mime
