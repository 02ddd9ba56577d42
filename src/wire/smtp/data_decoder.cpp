#include "wire/smtp/data_decoder.hpp"

namespace postrider::wire::smtp {

Step DataDecoder::step(std::string_view input) {
  if (input.empty()) return {};
  switch (held_) {
    case Held::nothing:
      return scan(input);
    case Held::cr:
      return resolve_cr(input.front());
    case Held::dot:
      if (input.front() != '\r') return scan(input);
      held_ = Held::dot_cr;
      return {1, {}, false};
    case Held::dot_cr:
      if (input.front() != '\n') return resolve_cr(input.front());
      held_ = Held::nothing;
      return {1, {}, true};
  }
  return {};
}

// A CR was consumed and not handed out; `next` follows it.
Step DataDecoder::resolve_cr(char next) {
  held_ = Held::nothing;
  if (next == '\n') {
    check_.crlf();
    return {1, "\r\n", false};
  }
  check_.bare(ContentFault::bare_cr);
  return {0, "\r", false};
}

Step DataDecoder::scan(std::string_view input) {
  const std::size_t size = input.size();
  std::size_t i = 0;
  if (held_ == Held::dot) {
    // RFC 5321 4.5.2: after the dot that goes, a second one is the line's own. It stays, whatever it is.
    held_ = Held::nothing;
    take(input[i++]);
  }
  i += check_.skip(input.substr(i), Dots::stop_at_line_start);
  while (i < size) {
    const char c = input[i];
    if (c == '\r' && i + 1 == size) {
      held_ = Held::cr;
      return {size, input.substr(0, i), false};
    }
    if (c == '\r' && input[i + 1] == '\n') {
      check_.crlf();
      i += 2;
      i += check_.skip(input.substr(i), Dots::stop_at_line_start);
      continue;
    }
    if (c == '.' && check_.at_line_start()) {
      held_ = Held::dot;
      return {i + 1, input.substr(0, i), false};
    }
    take(c);
    ++i;
  }
  return {size, input, false};
}

// An octet that is not part of a CRLF.
void DataDecoder::take(char octet) {
  if (octet == '\r' || octet == '\n') {
    check_.bare(octet == '\r' ? ContentFault::bare_cr : ContentFault::bare_lf);
  } else {
    check_.octet();
  }
}

void ChunkDecoder::feed(std::string_view input) {
  if (input.empty() || fault() != ContentFault::none) return;
  std::size_t i = 0;
  if (cr_ && input.front() == '\n') {
    check_.crlf();
    i = 1;
  } else if (cr_) {
    check_.bare(ContentFault::bare_cr);
  }
  cr_ = false;
  i += check_.skip(input.substr(i), Dots::ordinary);
  while (i < input.size() && fault() == ContentFault::none) {
    const char c = input[i++];
    if (c == '\r' && i == input.size()) {
      cr_ = true;
    } else if (c == '\r' && input[i] == '\n') {
      check_.crlf();
      ++i;
      i += check_.skip(input.substr(i), Dots::ordinary);
    } else if (c == '\r' || c == '\n') {
      check_.bare(c == '\r' ? ContentFault::bare_cr : ContentFault::bare_lf);
    } else {
      check_.octet();
    }
  }
}

void ChunkDecoder::finish() {
  if (cr_) check_.bare(ContentFault::bare_cr);
  cr_ = false;
}

}  // namespace postrider::wire::smtp
