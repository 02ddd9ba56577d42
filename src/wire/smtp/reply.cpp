#include "wire/smtp/reply.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::wire::smtp {
namespace {

constexpr std::size_t kMaxReplyLine = 512;    // with CRLF; RFC 5321 4.5.3.1.5
constexpr std::size_t kMaxParsedLine = 2048;  // what we tolerate of others, without CRLF
constexpr int kMaxLines = 100;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u; }

// At most `limit` octets, without half a UTF-8 character at the end.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && is_continuation(text[limit])) --limit;
  return text.substr(0, limit);
}

bool is_control(char c) { return (base::is_ascii(c) && c < ' ' && c != '\t') || c == '\x7F'; }

void append_printable(std::string& out, std::string_view line) {
  const bool utf8 = base::is_utf8(line);
  const auto begin = out.size();
  out += line;
  for (char& c : std::span(out).subspan(begin))
    if (is_control(c) || (!utf8 && !base::is_ascii(c))) c = '?';
}

// Reply-code of RFC 5321 4.2.
std::optional<std::uint16_t> parse_code(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '5' ||
      !base::is_digit(line[2]))
    return {};
  return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

// The enhanced code that opens `text`, where its class is the reply's; RFC 2034 4.
std::optional<mail::EnhancedCode> leading_code(std::string_view text, std::uint16_t code) {
  const auto enhanced = mail::EnhancedCode::parse(text.substr(0, text.find(' ')));
  if (!enhanced || enhanced->cls != code / 100) return {};
  return enhanced;
}

}  // namespace

void encode(const mail::Reply& reply, std::string& out) {
  const std::string code = std::to_string(reply.code);
  const std::string enhanced = reply.enhanced ? reply.enhanced->to_string() : std::string();
  const std::string_view text = reply.text;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = out.size();
    out += code;
    out += end < text.size() ? '-' : ' ';  // RFC 5321 4.2.1
    out += enhanced;
    if (!enhanced.empty() && end > begin) out += ' ';
    append_printable(out, text.substr(begin, end - begin));
    out.resize(line + cut(std::string_view(out).substr(line), kMaxReplyLine - 2).size());
    out += "\r\n";
    begin = end + 1;
  }
}

bool ReplyParser::feed(std::string_view line) {
  const auto code = parse_code(line);
  const bool last = line.size() == 3 || (line.size() > 3 && line[3] == ' ');
  const bool more = line.size() > 3 && line[3] == '-';
  // All lines of a reply have the same code; RFC 5321 4.2.1
  bad_ = bad_ || !code || !(last || more) || line.size() > kMaxParsedLine || lines_ == kMaxLines ||
         (lines_ > 0 && *code != reply_.code);
  if (bad_) return false;
  std::string_view text = line.substr(std::min<std::size_t>(4, line.size()));
  const auto enhanced = leading_code(text, *code);
  if (lines_ == 0) {
    reply_.code = *code;
    reply_.enhanced = enhanced;
  } else {
    reply_.text += '\n';
  }
  if (enhanced && enhanced == reply_.enhanced) {
    const auto space = text.find(' ');
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  append_printable(reply_.text, text);
  ++lines_;
  return last;
}

mail::Reply ReplyParser::take() {
  lines_ = 0;
  return std::exchange(reply_, {});
}

}  // namespace postrider::wire::smtp
