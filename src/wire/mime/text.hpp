// Text of header fields for people to read: folds undone, encoded words decoded, always well-formed UTF-8.
// The input is a raw field value (HeaderField::value). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::wire::mime {

inline constexpr std::size_t kMaxEncodedWords = 1000;  // decoded per text; those behind stay as they are
inline constexpr std::size_t kMaxListItems = 1000;     // per list; those behind are dropped

// An unstructured field (Subject). A fold becomes one space, white space at the ends is dropped. White space
// between two encoded words is dropped (RFC 2047 6.2). An encoded word that touches other text is none by the
// letter (RFC 2047 5), but is sent: it is decoded, and set apart by a space. One of an unknown charset stays
// as it is.
std::string decode_unstructured(std::string_view raw);

// A list whose items a comma separates (Keywords). Empty items are dropped; a comma inside a quoted string
// separates nothing.
std::vector<std::string> decode_list(std::string_view raw);

// How a piece of text treats what is in it.
enum class TextKind {
  unstructured,
  comment,  // inside a comment: quoted pairs too
  quoted,   // inside a quoted string: quoted pairs, all white space kept. Encoded words must not be there
            // (RFC 2047 5), but are sent: decoded, and joined only where a fold stands between two
  token,    // a parameter's value: as unstructured, but encoded words are not set apart
};

struct DecodedText {
  std::string text;
  bool starts_encoded = false;  // the first thing is an encoded word
  bool ends_encoded = false;    // the last one is
};

DecodedText decode_text(std::string_view raw, TextKind kind);

}  // namespace postrider::wire::mime
