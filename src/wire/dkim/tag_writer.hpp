// Writes a header field of tags, folded where that is possible. RFC 6376 3.2
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::wire::dkim {

inline constexpr std::size_t kLineSize = 78;  // RFC 5322 2.1.1

class TagWriter {
 public:
  // Lines have at most `line_size` octets, where what stands in one piece is no longer.
  explicit TagWriter(std::string_view field_name, std::size_t line_size = kLineSize);

  // `value` stays in one piece.
  void tag(std::string_view name, std::string_view value);
  // Folded before colons, where it is longer than a line.
  void colon_tag(std::string_view name, std::string_view list);
  // May be folded anywhere; `base64` may be empty.
  void base64_tag(std::string_view name, std::string_view base64);
  // The next tag begins a line, so that nothing behind it depends on what stands before it.
  void end_line() { end_line_ = true; }
  // More of the value of the base64_tag() that was last.
  void more_base64(std::string_view base64);

  // So far, without the last CRLF.
  const std::string& text() const { return text_; }
  std::string finish() &&;

 private:
  void begin_tag(std::string_view name, std::size_t room);
  void new_line();
  std::size_t room() const;

  std::string text_;
  std::size_t line_size_;
  std::size_t line_ = 0;  // where the line begins
  bool first_ = true;
  bool end_line_ = false;
};

}  // namespace postrider::wire::dkim
