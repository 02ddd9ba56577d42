// What was said on a connection, for the timeline.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::deliver {

// At most kMost octets: the beginning and the end, with "[...]" for what is between. Never content; whoever
// authenticates must not tell it what was said meanwhile. One thread.
class Transcript {
 public:
  static constexpr std::size_t kMost = 16 * 1024;

  // Whole lines that we sent, with or without their CRLF: "C: MAIL FROM:<>".
  void sent(std::string_view lines);
  // One line that came: "S: 250 ok".
  void heard(std::string_view line);
  // "[content, 1234 octets]"
  void note(std::string_view what);
  const std::string& text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  void add(std::string_view who, std::string_view line);
  std::string text_;
};

}  // namespace postrider::deliver
