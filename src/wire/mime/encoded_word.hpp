// Encoded words: =?charset?encoding?encoded-text?= (RFC 2047 2), with a language behind the charset
// (RFC 2231 5). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::wire::mime {

inline constexpr std::size_t kMaxCharsetName = 64;  // octets, the language included

struct EncodedWord {
  std::string_view charset;  // without the language
  char encoding = 'q';       // 'b' or 'q'
  std::string_view text;     // still encoded
  std::size_t size = 0;      // octets of the whole encoded word
};

// The encoded word that `raw` starts with. More is taken than the grammar allows, because it is sent: white
// space and folds inside the encoded text, and more than 75 octets.
std::optional<EncodedWord> read_encoded_word(std::string_view raw);

// Its text in UTF-8, control characters replaced by spaces; nothing for a charset that we don't know.
std::optional<std::string> decode(const EncodedWord& word);

// The words that say `utf8`, by "q", each of whole characters and of at most 75 octets; a fold stands between two, so that no
// line is longer than 76 where `column` octets stand before the first. RFC 2047 2, 5 (3): good in a phrase, too. Requires
// UTF-8 without control characters, and a column of at most 40.
std::string encoded_words(std::string_view utf8, std::size_t column);

}  // namespace postrider::wire::mime
