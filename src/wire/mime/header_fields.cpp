#include "wire/mime/header_fields.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::wire::mime {
namespace {

// What HeaderCollector takes of a piece at once: a header section is rarely longer, and the body is not to be copied with it.
constexpr std::size_t kPart = 4096;

enum class LineKind { field, fold, blank, malformed, undecided };

// What a line is, from its first octets. `undecided`: those seen so far may still become anything.
struct Line {
  LineKind kind = LineKind::undecided;
  std::size_t name_size = 0;
  std::size_t colon = 0;
};

// RFC 5322 2.2: printable US-ASCII except the colon
bool is_ftext(char c) { return c > 32 && c < 127 && c != ':'; }

// Looks at no more than kMaxFieldName + 1 octets, so that a caller may ask again after each octet.
Line classify(std::string_view rest, bool after_field) {
  if (rest.empty()) return {};
  if (base::is_wsp(rest[0])) return {after_field ? LineKind::fold : LineKind::malformed};
  if (rest[0] == '\r') {
    if (rest.size() < 2) return {};
    return {rest[1] == '\n' ? LineKind::blank : LineKind::malformed};
  }
  const std::size_t most = std::min(rest.size(), kMaxFieldName + 1);
  std::size_t name = 0;
  while (name < most && is_ftext(rest[name])) ++name;
  if (name == 0) return {LineKind::malformed};
  std::size_t colon = name;
  // RFC 5322 4.5.8: white space before the colon, obsolete
  while (colon < most && base::is_wsp(rest[colon])) ++colon;
  if (colon < most) return {rest[colon] == ':' ? LineKind::field : LineKind::malformed, name, colon};
  return {most > kMaxFieldName ? LineKind::malformed : LineKind::undecided};
}

// Behind the CRLF that ends the line at `at`, or the end of the text.
std::size_t line_end(std::string_view text, std::size_t at) {
  const std::size_t crlf = text.find("\r\n", at);
  return crlf == std::string_view::npos ? text.size() : crlf + 2;
}

}  // namespace

bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxFieldName && std::ranges::all_of(name, is_ftext);
}

std::optional<HeaderField> FieldScanner::next() {
  const Line line = classify(text_.substr(at_), at_ > 0);
  if (line.kind != LineKind::field) {
    if (line.kind == LineKind::blank) {
      end_ = HeaderEnd::blank_line;
    } else {
      end_ = at_ == text_.size() ? HeaderEnd::end_of_text : HeaderEnd::malformed_line;
    }
    return std::nullopt;
  }
  std::size_t end = line_end(text_, at_);
  // RFC 5322 2.2.3: a line that starts with white space continues the field, if the line before it has ended
  while (end < text_.size() && base::is_wsp(text_[end])) end = line_end(text_, end);
  HeaderField field{text_.substr(at_, line.name_size), {}, at_, end};
  const std::size_t value = at_ + line.colon + 1;
  field.value = text_.substr(value, end - value);
  if (field.value.ends_with("\r\n")) field.value.remove_suffix(2);
  at_ = end;
  return field;
}

std::optional<HeaderField> find_field(std::string_view text, std::string_view name) {
  for (FieldScanner scan(text); auto field = scan.next();) {
    if (base::iequals(field->name, name)) return field;
  }
  return std::nullopt;
}

std::size_t count_fields(std::string_view text, std::string_view name) {
  std::size_t count = 0;
  for (FieldScanner scan(text); auto field = scan.next();) {
    if (base::iequals(field->name, name)) ++count;
  }
  return count;
}

std::string unfold(std::string_view raw_value) {
  std::string out;
  out.reserve(raw_value.size());
  for (std::size_t i = 0; i < raw_value.size(); ++i) {
    const bool fold =
        raw_value.substr(i, 2) == "\r\n" && i + 2 < raw_value.size() && base::is_wsp(raw_value[i + 2]);
    if (fold) {
      ++i;
    } else {
      out.push_back(raw_value[i]);
    }
  }
  return out;
}

HeaderCollector::State HeaderCollector::feed(std::string_view piece) {
  while (state_ == State::need_more && !piece.empty()) {
    const auto part = piece.substr(0, std::min(limit_ - gathered_.size(), kPart));
    if (part.empty()) {
      state_ = State::too_large;
      std::string().swap(gathered_);
      break;
    }
    gathered_.append(part);
    piece.remove_prefix(part.size());
    advance();
  }
  return state_;
}

HeaderCollector::State HeaderCollector::finish() {
  if (state_ != State::need_more) return state_;
  const bool whole = in_value_ || line_ == gathered_.size();
  if (in_value_) line_ = gathered_.size();
  complete(whole ? HeaderEnd::end_of_text : HeaderEnd::malformed_line);
  return state_;
}

void HeaderCollector::advance() {
  for (;;) {
    if (in_value_) {
      const std::size_t crlf = gathered_.find("\r\n", searched_);
      if (crlf == std::string::npos) {
        // A CR at the end may be half of a CRLF.
        searched_ = gathered_.ends_with('\r') ? gathered_.size() - 1 : gathered_.size();
        return;
      }
      line_ = crlf + 2;
      in_value_ = false;
    }
    switch (classify(std::string_view(gathered_).substr(line_), line_ > 0).kind) {
      case LineKind::undecided:
        return;
      case LineKind::blank:
        return complete(HeaderEnd::blank_line);
      case LineKind::malformed:
        return complete(HeaderEnd::malformed_line);
      case LineKind::field:
      case LineKind::fold:
        in_value_ = true;
        searched_ = line_;
    }
  }
}

void HeaderCollector::complete(HeaderEnd end) {
  body_offset_ = end == HeaderEnd::blank_line ? line_ + 2 : line_;
  body_begin_ = gathered_.substr(body_offset_);
  gathered_.resize(line_);
  end_ = end;
  state_ = State::complete;
}

}  // namespace postrider::wire::mime
