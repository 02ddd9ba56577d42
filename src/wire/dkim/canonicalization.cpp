#include "wire/dkim/canonicalization.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/ascii.hpp"
#include "wire/dkim/tag_list.hpp"
#include "wire/mime/lexer.hpp"
#include "wire/octet_positions.hpp"

namespace postrider::wire::dkim {
namespace {

constexpr std::size_t kBuffer = 4096;
constexpr std::size_t kDirect = 1024;  // so much at once is not worth a copy

// True for the white space at `at` that relaxed keeps as it is: one space before an octet that is neither white space nor a CR.
bool stays(std::string_view text, std::size_t at) {
  if (text[at] != ' ' || at + 1 == text.size()) return false;
  return !base::is_wsp(text[at + 1]) && text[at + 1] != '\r';
}

// How many octets relaxed leaves as they are. What follows them, if anything, is white space that may have to change.
std::size_t unchanged(std::string_view text) {
  std::size_t done = 0;
  for (; text.size() - done >= kBlock; done += kBlock) {
    const char* block = text.data() + done;
    const std::uint64_t tabs = positions(block, '\t');
    const std::uint64_t white = positions(block, ' ') | tabs;
    // The octet behind the block counts as one that changes the white space at its end.
    const std::uint64_t next = (white | positions(block, '\r')) >> 1 | std::uint64_t{1} << (kBlock - 1);
    const std::uint64_t changes = tabs | (white & next);
    if (changes == 0) continue;
    done += std::countr_zero(changes);
    if (!stays(text, done)) return done;
    // Only the octet behind the block decided: it is none of these.
    done -= kBlock - 1;
  }
  while (done < text.size() && (!base::is_wsp(text[done]) || stays(text, done))) ++done;
  return done;
}

// RFC 6376 3.4.2
void append_relaxed(std::string_view field, std::string& out) {
  const std::size_t colon = std::min(field.find(':'), field.size());
  for (const char c : base::trim(field.substr(0, colon))) out += base::to_lower(c);
  out += ':';
  std::size_t at = mime::skip_space(field, std::min(colon + 1, field.size()));
  while (at < field.size()) {
    std::size_t end = at;
    while (end < field.size() && !mime::is_space(field[end])) ++end;
    out += field.substr(at, end - at);
    at = mime::skip_space(field, end);
    if (at < field.size()) out += ' ';
  }
}

}  // namespace

std::string_view to_string(Canonicalization canonicalization) {
  return canonicalization == Canonicalization::simple ? "simple" : "relaxed";
}

void append_canonical(Canonicalization canonicalization, std::string_view field, std::string& out) {
  if (field.ends_with("\r\n")) field.remove_suffix(2);
  if (canonicalization == Canonicalization::simple) {
    out += field;  // RFC 6376 3.4.1
  } else {
    append_relaxed(field, out);
  }
  out += "\r\n";
}

void append_unsigned(Canonicalization canonicalization, std::string_view field, std::string& out) {
  std::size_t begin = std::min(field.find(':') + 1, field.size());
  std::string emptied(field);
  while (begin < field.size()) {
    const std::size_t end = std::min(field.find(';', begin), field.size());
    const std::string_view spec = field.substr(begin, end - begin);
    const std::size_t equals = spec.find('=');
    if (equals != std::string_view::npos && trim(spec.substr(0, equals)) == "b") {
      emptied.erase(begin + equals + 1, spec.size() - equals - 1);
      break;
    }
    begin = end + 1;
  }
  append_canonical(canonicalization, emptied, out);
  out.resize(out.size() - 2);
}

BodyCanonicalizer::BodyCanonicalizer(Canonicalization canonicalization, Sink sink)
    : canonicalization_(canonicalization), sink_(std::move(sink)) {}

void BodyCanonicalizer::feed(std::string_view piece) {
  if (canonicalization_ == Canonicalization::simple) {
    without_last_lines(piece);
  } else {
    relax(piece);
  }
}

// RFC 6376 3.4.4 a
void BodyCanonicalizer::relax(std::string_view piece) {
  while (!piece.empty()) {
    if (held_ != Held::nothing) {
      piece.remove_prefix(settle(piece));
      continue;
    }
    const std::size_t size = unchanged(piece);
    put(piece.substr(0, size));
    piece.remove_prefix(size);
    if (piece.empty()) break;
    held_ = Held::white_space;
    piece.remove_prefix(1);
  }
}

// White space was read: what follows decides what becomes of it. Returns how much of `rest` is done with.
std::size_t BodyCanonicalizer::settle(std::string_view rest) {
  if (held_ == Held::white_space_cr) {
    held_ = Held::nothing;
    put(rest.front() == '\n' ? "\r" : " \r");
    return 0;
  }
  std::size_t at = 0;
  while (at < rest.size() && base::is_wsp(rest[at])) ++at;
  if (at == rest.size()) return at;
  if (rest[at] == '\r') {
    held_ = Held::white_space_cr;
    return at + 1;
  }
  held_ = Held::nothing;
  put(" ");
  return at;
}

void BodyCanonicalizer::put(std::string_view octets) {
  if (buffer_.size() + octets.size() > kBuffer) flush();
  if (octets.size() >= kDirect) {
    flush();
    without_last_lines(octets);
  } else {
    if (buffer_.empty()) buffer_.reserve(kBuffer);
    buffer_ += octets;
  }
}

void BodyCanonicalizer::flush() {
  without_last_lines(buffer_);
  buffer_.clear();
}

// Hands on what can't be one of the last empty lines. RFC 6376 3.4.3, 3.4.4
void BodyCanonicalizer::without_last_lines(std::string_view octets) {
  if (octets.empty()) return;
  if (cr_) {
    cr_ = false;
    if (octets.front() == '\n') {
      ++line_ends_;
      octets.remove_prefix(1);
    } else {
      release_lines();
      sink_("\r");
    }
  }
  if (octets.ends_with('\r')) {
    cr_ = true;
    octets.remove_suffix(1);
  }
  std::uint64_t ends = 0;
  for (; octets.ends_with("\r\n"); octets.remove_suffix(2)) ++ends;
  if (!octets.empty()) {
    release_lines();
    any_ = true;
    sink_(octets);
  }
  line_ends_ += ends;
}

void BodyCanonicalizer::release_lines() {
  static constexpr auto kLines = [] {
    std::array<char, 1024> lines{};
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i] = i % 2 == 0 ? '\r' : '\n';
    return lines;
  }();
  while (line_ends_ > 0) {
    const auto count = std::min<std::uint64_t>(line_ends_, kLines.size() / 2);
    sink_({kLines.data(), static_cast<std::size_t>(count) * 2});
    line_ends_ -= count;
  }
  any_ = true;
}

void BodyCanonicalizer::finish() {
  if (held_ == Held::white_space_cr) put(" \r");
  held_ = Held::nothing;
  flush();
  if (cr_) {
    release_lines();
    sink_("\r");
  }
  // A body without octets is one CRLF for simple, and nothing for relaxed. RFC 6376 3.4.3, 3.4.4
  if (any_ || canonicalization_ == Canonicalization::simple) sink_("\r\n");
}

}  // namespace postrider::wire::dkim
