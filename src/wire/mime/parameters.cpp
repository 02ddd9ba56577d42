#include "wire/mime/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ascii.hpp"
#include "wire/mime/charset.hpp"
#include "wire/mime/hex.hpp"
#include "wire/mime/lexer.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::mime {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto octet = text[i] == '%' ? hex_octet(text, i) : std::nullopt;
    out.push_back(octet ? *octet : text[i]);
    i += octet ? 3 : 1;
  }
  return out;
}

// A quoted value as written, but for its quoted pairs and folds.
std::string plain_text(const ParameterPiece& piece) {
  if (!piece.quoted) return std::string(piece.raw);
  std::string out;
  for (std::size_t i = 0; i < piece.raw.size(); ++i) {
    if (piece.raw[i] == '\\') i = quoted_pair(piece.raw, i);
    if (i < piece.raw.size() && piece.raw[i] != '\r' && piece.raw[i] != '\n') out.push_back(piece.raw[i]);
  }
  return out;
}

// Joins the pieces of one parameter, given in the order of their numbers.
class ValueJoiner {
 public:
  explicit ValueJoiner(std::string_view name) { parameter_.name = name; }

  void add(const ParameterPiece& piece) {
    if (piece.extended) {
      add_extended(plain_text(piece));
    } else {
      flush();
      parameter_.value += decode_text(piece.raw, piece.quoted ? TextKind::quoted : TextKind::token).text;
    }
    first_ = false;
  }

  Parameter done() {
    flush();
    return std::move(parameter_);
  }

 private:
  void add_extended(std::string_view text) {
    const std::size_t charset_end = text.find('\'');
    if (first_ && charset_end != std::string_view::npos) {
      const std::size_t language_end = text.find('\'', charset_end + 1);
      if (language_end != std::string_view::npos) {
        charset_ = text.substr(0, charset_end);
        parameter_.language = repair_utf8(text.substr(charset_end + 1, language_end - charset_end - 1));
        text.remove_prefix(language_end + 1);
      }
    } else if (!first_ && !charset_.empty() && base::iequals(text.substr(0, charset_end), charset_)) {
      // The charset belongs to the first piece only (RFC 2231 4.1); some name it again before each.
      text.remove_prefix(std::min(text.size(), charset_.size() + 1));
    }
    bytes_ += percent_decoded(text);
  }

  // A character may be cut by the border of two pieces, so that all neighbours are converted at once.
  void flush() {
    auto text = to_utf8(bytes_, charset_);
    parameter_.value += without_controls(text ? std::move(*text) : repair_utf8(bytes_));
    bytes_.clear();
  }

  Parameter parameter_;
  std::string charset_;
  std::string bytes_;  // percent-decoded, not yet converted
  bool first_ = true;
};

Parameter join_all(const std::vector<ParameterPiece>& pieces, std::string_view name) {
  std::vector<const ParameterPiece*> mine;
  for (const auto& piece : pieces) {
    if (piece.index && piece.name == name) mine.push_back(&piece);
  }
  // Equal numbers stay in the order of the field, which is that of the pointers.
  std::ranges::sort(mine, {}, [](const ParameterPiece* piece) { return std::pair(*piece->index, piece); });
  ValueJoiner joiner(name);
  for (const auto* piece : mine) joiner.add(*piece);
  return joiner.done();
}

}  // namespace

ParameterPiece piece_from_attribute(std::string_view attribute) {
  while (attribute.starts_with('*')) attribute.remove_prefix(1);
  ParameterPiece piece;
  const std::size_t star = std::min(attribute.find('*'), attribute.size());
  piece.name = base::lower(attribute.substr(0, star));
  piece.extended = attribute.ends_with('*');
  const char* digits = attribute.data() + std::min(star + 1, attribute.size());
  const char* end = attribute.data() + attribute.size();
  if (digits == end || !base::is_digit(*digits)) return piece;
  int index = 0;
  const bool fits = std::from_chars(digits, end, index).ec == std::errc() && index <= kMaxPieceIndex;
  piece.index = fits ? index : 0;
  return piece;
}

std::vector<Parameter> join_pieces(const std::vector<ParameterPiece>& pieces) {
  std::vector<Parameter> joined;
  std::vector<std::string_view> done;
  const auto join_once = [&](const ParameterPiece& piece) {
    if (std::ranges::find(done, piece.name) != done.end()) return;
    done.push_back(piece.name);
    joined.push_back(join_all(pieces, piece.name));
  };
  for (const auto& piece : pieces) {
    if (!piece.index) {
      ValueJoiner joiner(piece.name);
      joiner.add(piece);
      joined.push_back(joiner.done());
    } else if (*piece.index == 0) {
      join_once(piece);
    }
  }
  for (const auto& piece : pieces) {
    if (piece.index) join_once(piece);
  }
  return joined;
}

}  // namespace postrider::wire::mime
