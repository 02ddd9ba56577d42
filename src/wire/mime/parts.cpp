#include "wire/mime/parts.hpp"

#include <array>
#include <optional>

#include "base/ascii.hpp"
#include "wire/mime/hex.hpp"
#include "wire/mime/lexer.hpp"
#include "wire/mime/lines.hpp"

namespace postrider::wire::mime {
namespace {

// What the walk wants of a header.
struct Fields {
  std::string type, encoding, disposition;
};

void take_field(std::string_view field, Fields& fields) {
  const std::size_t colon = field.find(':');
  if (colon == field.npos) return;
  const std::string_view name = base::trim(field.substr(0, colon)), value = field.substr(colon + 1);
  if (base::iequals(name, "Content-Type")) fields.type = value;
  if (base::iequals(name, "Content-Transfer-Encoding")) fields.encoding = base::lower(without_folds(value));
  if (base::iequals(name, "Content-Disposition")) fields.disposition = value;
}

// `entity` is left at its body.
Fields take_header(std::string_view& entity) {
  Fields fields;
  const char* begin = entity.data();
  for (;;) {
    const char* line_begin = entity.data();
    const std::string_view line = entity.empty() ? std::string_view() : take_line(entity);
    if (!line.empty() && base::is_wsp(line.front())) continue;  // goes on
    take_field({begin, line_begin}, fields);
    if (line.empty()) return fields;
    begin = line_begin;
  }
}

class Walk {
 public:
  std::vector<Part> run(std::string_view message) {
    entity(message, 0);
    return std::move(parts_);
  }

 private:
  void entity(std::string_view text, std::size_t depth) {
    const Fields fields = take_header(text);
    auto type = parse_content_type(fields.type);
    if (!type) type = ContentType{.type = "text", .subtype = "plain", .parameters = {}};
    const Parameter* boundary = type->find("boundary");
    if (type->type == "multipart" && boundary && !boundary->value.empty()) {
      if (depth < kMostPartDepth) multipart(text, "--" + boundary->value, depth);
      return;
    }
    if (parts_.size() == kMostParts) return;
    const Parameter* name = nullptr;
    const auto disposition = parse_content_type(fields.disposition);
    if (disposition) name = disposition->find("filename");
    if (!name) name = type->find("name");
    std::string filename = name ? name->value : std::string();
    parts_.push_back({.type = std::move(*type),
                      .encoding = fields.encoding,
                      .filename = std::move(filename),
                      .body = text});
  }

  // RFC 2046 5.1.1
  void multipart(std::string_view body, std::string_view delimiter, std::size_t depth) {
    std::optional<std::size_t> part;  // where the present one begins
    for (std::string_view rest = body; !rest.empty() && parts_.size() < kMostParts;) {
      const auto at = static_cast<std::size_t>(rest.data() - body.data());
      const std::string_view line = take_line(rest);
      if (!line.starts_with(delimiter)) continue;
      const std::string_view behind = base::trim(line.substr(delimiter.size()));
      const bool closes = behind == "--";
      if (!behind.empty() && !closes) continue;
      if (part) {
        std::string_view text = body.substr(*part, at - *part);
        if (text.ends_with('\n')) text.remove_suffix(1);
        if (text.ends_with('\r')) text.remove_suffix(1);
        entity(text, depth + 1);
      }
      if (closes) return;
      part = static_cast<std::size_t>(rest.data() - body.data());
    }
    if (part) entity(body.substr(*part), depth + 1);
  }

  std::vector<Part> parts_;
};

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (base::is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

std::string from_loose_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = sextet(c);
    if (value < 0) continue;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

std::string from_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    std::string_view line = take_line(text);
    const std::string_view line_end = before.substr(line.size(), before.size() - text.size() - line.size());
    while (!line.empty() && base::is_wsp(line.back())) line.remove_suffix(1);
    const bool soft = line.ends_with('=');
    if (soft) line.remove_suffix(1);
    for (std::size_t at = 0; at < line.size(); ++at) {
      const auto octet = line[at] == '=' ? hex_octet(line, at) : std::nullopt;
      out += octet.value_or(line[at]);
      if (octet) at += 2;
    }
    if (!soft) out += line_end;
  }
  return out;
}

}  // namespace

std::vector<Part> leaf_parts(std::string_view message) { return Walk().run(message); }

std::string decoded_body(const Part& part) {
  if (part.encoding == "base64") return from_loose_base64(part.body);
  if (part.encoding == "quoted-printable") return from_quoted_printable(part.body);
  return std::string(part.body);
}

}  // namespace postrider::wire::mime
