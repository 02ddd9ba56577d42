// The header section of a message, as SMTP delivered it: lines that end in CRLF. Nothing here copies or
// changes a byte but unfold() and HeaderCollector. Pure; no thread rules beyond those of a value.
//
// What ends a header section:
//   * a blank line: the body starts behind it;
//   * a malformed line, one that is neither a field (name, optional white space, colon) nor the fold of a
//   field
//     before it: the body starts at that line, as if the blank line had been forgotten before it;
//   * the end of the text: there is no body.
// A fold of nothing but white space is the obsolete form and belongs to its field. RFC 5322 4.2
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::wire::mime {

// A field name must fit into one line of 998 octets; a longer one is a malformed line. RFC 5322 2.1.1
inline constexpr std::size_t kMaxFieldName = 998;

// One header field. The views point into the scanned text and live as long as it does.
struct HeaderField {
  std::string_view name;  // without the white space that may stand before the colon
  std::string_view
      value;  // behind the colon up to, but without, the last CRLF; folds and leading space included
  std::size_t begin = 0;  // offset of the field's first octet
  std::size_t end =
      0;  // offset behind its last octet, which is the LF of its CRLF but at the end of the text
};

enum class HeaderEnd { blank_line, malformed_line, end_of_text };

// True for a field name by the grammar: 1 to kMaxFieldName octets of 33..126 without the colon.
// RFC 5322 3.6.8
bool is_field_name(std::string_view name);

// Walks over the fields of `text`, a whole message or its header section. `text` must outlive it.
//   for (FieldScanner scan(text); auto field = scan.next();) …
class FieldScanner {
 public:
  explicit FieldScanner(std::string_view text) : text_(text) {}

  // The next field, or nothing at the end of the header section, from then on always.
  std::optional<HeaderField> next();

  // Only meaningful after next() gave nothing:
  HeaderEnd end() const { return end_; }
  std::size_t header_size() const { return at_; }  // octets of all fields, without the blank line
  std::size_t body_offset() const { return end_ == HeaderEnd::blank_line ? at_ + 2 : at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  HeaderEnd end_ = HeaderEnd::end_of_text;
};

// The first field of that name, upper or lower case alike.
std::optional<HeaderField> find_field(std::string_view text, std::string_view name);
// How many fields of that name the header section has.
std::size_t count_fields(std::string_view text, std::string_view name);

// The value without the CRLFs that stand before white space; the white space stays. RFC 5322 2.2.3
std::string unfold(std::string_view raw_value);

// Gathers the header section while a message streams by in pieces of any size. What it finds depends on the
// octets only, never on where the pieces were cut.
//
// Memory: at most `limit` octets, the blank line included. A message whose header section has not ended
// within `limit` octets is too_large, and what was gathered is given back.
class HeaderCollector {
 public:
  enum class State { need_more, complete, too_large };

  explicit HeaderCollector(std::size_t limit) : limit_(limit) {}

  // Takes the next octets of the message. Once the state is not need_more this looks at nothing any more.
  State feed(std::string_view piece);
  // The message is over; a header section that is still open ends here.
  State finish();
  State state() const { return state_; }

  // Only when complete. The view lives until the collector is moved or destroyed.
  std::string_view header() const { return gathered_; }     // all fields, without the blank line
  std::size_t body_offset() const { return body_offset_; }  // from the start of the message
  HeaderEnd end() const { return end_; }
  FieldScanner fields() const { return FieldScanner(gathered_); }
  // What was taken behind the header section before its end was known: the body's first octets, 5 KiB of them at most. The rest
  // of the body begins at body_offset() + body_begin().size().
  std::string_view body_begin() const { return body_begin_; }

 private:
  void advance();
  void complete(HeaderEnd end);

  std::size_t limit_;
  State state_ = State::need_more;
  HeaderEnd end_ = HeaderEnd::end_of_text;
  std::string gathered_;
  std::size_t line_ = 0;      // where the line that is being read starts
  bool in_value_ = false;     // the line is known to be a field or a fold; only its end is wanted
  std::size_t searched_ = 0;  // no CRLF ends before this offset, when in_value_
  std::size_t body_offset_ = 0;
  std::string body_begin_;
};

}  // namespace postrider::wire::mime
