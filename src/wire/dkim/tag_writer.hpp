// Writes a header field of tags, folded at 78 octets where that is possible. RFC 6376 3.2
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::wire::dkim {

class TagWriter {
 public:
  explicit TagWriter(std::string_view field_name);

  // `value` stays in one piece.
  void tag(std::string_view name, std::string_view value);
  // May be folded before each colon.
  void colon_tag(std::string_view name, std::string_view list);
  // May be folded anywhere; `base64` may be empty.
  void base64_tag(std::string_view name, std::string_view base64);
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
  std::size_t line_ = 0;  // where the line begins
  bool first_ = true;
};

}  // namespace postrider::wire::dkim
