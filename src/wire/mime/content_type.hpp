// Content-Type and its like (Content-Disposition): RFC 2045 5.1, with parameter values in pieces, charsets
// and languages (RFC 2231 3). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::wire::mime {

// Pieces of parameters per field; those behind are not read (ContentType::truncated).
inline constexpr std::size_t kMaxParameterPieces = 250;

struct Parameter {
  std::string name;      // lower case
  std::string value;     // put together and decoded; text in a known charset is UTF-8
  std::string language;  // RFC 2231 5; mostly empty

  bool operator==(const Parameter&) const = default;
};

struct ContentType {
  std::string type;     // lower case; never empty
  std::string subtype;  // lower case; empty where the field has none, as in Content-Disposition
  // In the order of their first pieces. Those that lack piece 0 stand behind the others. A name may come more
  // than once; find() gives the first.
  std::vector<Parameter> parameters;
  bool truncated = false;

  const Parameter* find(std::string_view name) const;
};

// `raw`: a field's value with its folds. Tolerant: missing semicolons between parameters, specials in values,
// stray asterisks, encoded words in values (RFC 2047 5 forbids them) are read as meant. Pieces are joined by
// their numbers; gaps don't matter. Nothing where the type is missing.
std::optional<ContentType> parse_content_type(std::string_view raw);

}  // namespace postrider::wire::mime
