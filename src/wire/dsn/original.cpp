#include "wire/dsn/original.hpp"

#include <algorithm>
#include <optional>

#include "wire/dsn/clean.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::wire::dsn {
namespace {

constexpr std::size_t kMaxLine = 998;  // RFC 5322 2.1.1
// A little more than can be returned, so that it is seen whether there is more.
constexpr std::size_t kMaxGathered = kMaxReturnedHeader + kMaxReturnedBody + 4;

// One line that can stand in a header section; tabs stay.
std::string fit_line(std::string_view line) {
  std::string out(line.substr(0, whole_characters(line, kMaxLine)));
  std::ranges::replace_if(out, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; }, ' ');
  return out;
}

std::string fit_header(std::string_view header) {
  std::string out;
  while (!header.empty()) {
    const auto end = header.find('\n');
    std::string_view line = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (out.size() + line.size() > kMaxReturnedHeader) break;
    out += fit_line(line);
    out += "\r\n";
  }
  return out;
}

// Where the last of the whole lines within kMaxReturnedBody ends; nothing where it has no lines that a message may
// have: a line is too long, or there are octets that only BINARYMIME carries.
std::optional<std::size_t> fit_body(std::string_view body) {
  std::size_t end = 0;
  while (end < body.size()) {
    const auto stop = body.find_first_of(std::string_view("\r\n\0", 3), end);
    if (stop == std::string_view::npos) {
      if (body.size() - end > kMaxLine) return {};
      return body.size() > kMaxReturnedBody ? end : body.size();
    }
    if (stop - end > kMaxLine || body.substr(stop, 2) != "\r\n") {
      // What was gathered may end between CR and LF.
      if (stop + 1 == body.size() && body[stop] == '\r' && stop - end <= kMaxLine) return end;
      return {};
    }
    if (stop + 2 > kMaxReturnedBody) return end;
    end = stop + 2;
  }
  return end;
}

}  // namespace

bool OriginalReader::feed(std::string_view piece) {
  gathered_ += piece.substr(0, kMaxGathered - std::min(gathered_.size(), kMaxGathered));
  if (gathered_.size() >= kMaxGathered) return false;
  return wanted_ == Wanted::full || gathered_.find("\r\n\r\n") == std::string::npos;
}

Original OriginalReader::take() {
  mime::FieldScanner scan(gathered_);
  while (scan.next()) {
  }
  Original out;
  out.part = Original::Part::headers;
  out.header = fit_header(std::string_view(gathered_).substr(0, scan.header_size()));
  if (wanted_ == Wanted::headers || scan.header_size() > kMaxReturnedHeader) return out;
  const std::string_view body = std::string_view(gathered_).substr(scan.body_offset());
  const auto end = fit_body(body);
  if (!end) return out;
  out.part = *end < body.size() ? Original::Part::start : Original::Part::full;
  out.body = body.substr(0, *end);
  if (!out.body.empty() && !out.body.ends_with("\r\n")) out.body += "\r\n";
  return out;
}

}  // namespace postrider::wire::dsn
