#include "wire/mime/content_type.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/mime/charset.hpp"
#include "wire/mime/encoded_word.hpp"
#include "wire/mime/lexer.hpp"
#include "wire/mime/parameters.hpp"

namespace postrider::wire::mime {
namespace {

class ContentTypeReader {
 public:
  explicit ContentTypeReader(std::string_view raw) : raw_(raw) {}

  std::optional<ContentType> run() {
    ContentType out;
    out.type = take_word("/;");
    if (out.type.empty()) return std::nullopt;
    if (peek() == '/') {
      ++at_;
      out.subtype = take_word(";");
    }
    std::vector<ParameterPiece> pieces;
    while (at_ < raw_.size() && !out.truncated) {
      ParameterPiece piece = take_attribute();
      if (at_ >= raw_.size() || raw_[at_++] != '=') continue;
      take_value(piece);
      const bool nothing = piece.name.empty() || (piece.raw.empty() && !piece.quoted);
      if (nothing) continue;
      out.truncated = pieces.size() == kMaxParameterPieces;
      if (!out.truncated) pieces.push_back(std::move(piece));
    }
    out.parameters = join_pieces(pieces);
    return out;
  }

 private:
  char peek() {
    at_ = skip_cfws(raw_, at_);
    return at_ < raw_.size() ? raw_[at_] : '\0';
  }

  std::string take_word(std::string_view stops) {
    peek();
    const std::size_t start = at_;
    while (at_ < raw_.size() && !is_space(raw_[at_]) && raw_[at_] != '(' && !stops.contains(raw_[at_])) ++at_;
    return repair_utf8(base::lower(raw_.substr(start, at_ - start)));
  }

  // Stops at the equals sign, the semicolon that comes first (then there is no value), or the end. White
  // space may stand around the asterisks; elsewhere it starts a new attribute, one that has lost its
  // semicolon.
  ParameterPiece take_attribute() {
    std::string attribute;
    for (;;) {
      const std::size_t before = at_;
      const char c = peek();
      const bool gap = at_ > before;
      if (at_ >= raw_.size() || c == '=') break;
      if (c == ';') {
        ++at_;
        attribute.clear();
        continue;
      }
      if (gap && c != '*' && !attribute.ends_with('*')) attribute.clear();
      attribute.push_back(c);
      ++at_;
    }
    return piece_from_attribute(repair_utf8(attribute));
  }

  void take_value(ParameterPiece& piece) {
    if (peek() == '"') {
      const Span span = quoted_string(raw_, at_);
      piece.quoted = true;
      piece.raw = span.inside;
      at_ = span.end;
      return;
    }
    const std::size_t start = at_;
    while (at_ < raw_.size() && !is_space(raw_[at_]) && raw_[at_] != ';' && raw_[at_] != '(') {
      if (const auto word = read_encoded_word(raw_.substr(at_))) {
        at_ += word->size;
        // Several encoded words make one value.
        const std::size_t next = skip_space(raw_, at_);
        if (read_encoded_word(raw_.substr(next))) at_ = next;
      } else {
        ++at_;
      }
    }
    piece.raw = raw_.substr(start, at_ - start);
  }

  std::string_view raw_;
  std::size_t at_ = 0;
};

}  // namespace

const Parameter* ContentType::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(parameters, [&](const Parameter& p) { return base::iequals(p.name, name); });
  return found == parameters.end() ? nullptr : &*found;
}

std::optional<ContentType> parse_content_type(std::string_view raw) { return ContentTypeReader(raw).run(); }

}  // namespace postrider::wire::mime
