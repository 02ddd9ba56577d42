#include "wire/spf/macro.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::wire::spf {
namespace {

constexpr std::string_view kDelimiters = ".-+,/_=";
constexpr unsigned kMostParts = 1000;  // more than a value can have; a larger number means the same

using Fault = std::unexpected<std::string>;

class MacroReader {
 public:
  MacroReader(std::string_view text, MacroPlace place) : text_(text), place_(place) {}

  std::expected<MacroString, std::string> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '%') {
        if (auto done = take_percent(); !done) return std::unexpected(std::move(done.error()));
      } else if (is_literal(c)) {
        literal_ += c;
      } else {
        return Fault("a character that may not stand there");
      }
    }
    end_literal();
    return std::move(out_);
  }

 private:
  // RFC 7208 7.1: macro-literal, and SP in an explanation (RFC 7208 6.2)
  bool is_literal(char c) const {
    return (c > ' ' && c <= '~') || (c == ' ' && place_ == MacroPlace::explanation);
  }

  void end_literal() {
    if (!literal_.empty()) out_.pieces.emplace_back(std::exchange(literal_, {}));
  }

  std::expected<void, std::string> take_percent() {
    switch (at_ < text_.size() ? text_[at_++] : '\0') {
      case '%':
        literal_ += '%';
        return {};
      case '_':
        literal_ += ' ';
        return {};
      case '-':
        literal_ += "%20";
        return {};
      case '{':
        return take_macro();
      default:
        return Fault("a % that is not followed by {, %, _ or -");
    }
  }

  std::expected<void, std::string> take_macro() {
    Macro macro;
    const char letter = at_ < text_.size() ? text_[at_++] : '\0';
    macro.letter = base::to_lower(letter);
    macro.escape = letter != macro.letter;
    if (!is_letter(macro.letter)) return Fault("an unknown macro letter");
    const std::size_t digits = at_;
    for (; at_ < text_.size() && base::is_digit(text_[at_]); ++at_)
      macro.keep = std::min(macro.keep * 10 + static_cast<unsigned>(text_[at_] - '0'), kMostParts);
    if (at_ > digits && macro.keep == 0) return Fault("a macro that keeps no part");
    if (at_ < text_.size() && base::to_lower(text_[at_]) == 'r') {
      macro.reverse = true;
      ++at_;
    }
    while (at_ < text_.size() && kDelimiters.contains(text_[at_])) macro.delimiters += text_[at_++];
    if (at_ == text_.size() || text_[at_++] != '}') return Fault("a macro without its closing brace");
    end_literal();
    out_.pieces.emplace_back(std::move(macro));
    return {};
  }

  bool is_letter(char lower) const {
    if (lower == '\0') return false;
    return std::string_view("slodiphv").contains(lower) ||
           (place_ == MacroPlace::explanation && std::string_view("crt").contains(lower));
  }

  const std::string_view text_;
  const MacroPlace place_;
  std::size_t at_ = 0;
  std::string literal_;
  MacroString out_;
};

// "1.2.3.4", or the 32 nibbles of an IPv6 address. RFC 7208 7.3
std::string dotted(const base::IpAddress& address) {
  if (address.is_v4()) return address.to_string();
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : address.bytes()) {
    const auto byte = static_cast<unsigned char>(c);
    if (!out.empty()) out += '.';
    out += kHex[byte >> 4U];
    out += '.';
    out += kHex[byte & 15U];
  }
  return out;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's':
      return std::string(values.local) + '@' + std::string(values.sender_domain);
    case 'l':
      return std::string(values.local);
    case 'o':
      return std::string(values.sender_domain);
    case 'd':
      return std::string(values.domain);
    case 'i':
      return dotted(values.client);
    case 'p':
      return std::string(values.validated);
    case 'v':
      return values.client.is_v4() ? "in-addr" : "ip6";
    case 'h':
      return std::string(values.helo);
    case 'c':
      return values.client.to_string();
    case 'r':
      return std::string(values.receiver);
    default:
      return std::to_string(values.seconds);
  }
}

// RFC 7208 7.3: split, reverse, keep from the right, join with dots.
std::string transform(const std::string& value, const Macro& macro) {
  const std::string_view delimiters = macro.delimiters.empty() ? "." : std::string_view(macro.delimiters);
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const std::size_t end = std::min(value.find_first_of(delimiters, from), value.size());
    parts.push_back(std::string_view(value).substr(from, end - from));
    if (end == value.size()) break;
    from = end + 1;
  }
  if (macro.reverse) std::ranges::reverse(parts);
  const std::size_t skip = macro.keep == 0 || macro.keep >= parts.size() ? 0 : parts.size() - macro.keep;
  std::string out;
  for (std::size_t i = skip; i < parts.size(); ++i) {
    if (i > skip) out += '.';
    out += parts[i];
  }
  return out;
}

// All but the unreserved characters of RFC 3986 2.3.
std::string url_escaped(std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : value) {
    if (base::is_alnum(c) || std::string_view("-._~").contains(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

bool is_toplabel(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return base::is_alnum(c) || c == '-'; }) &&
         !std::ranges::all_of(label, base::is_digit);
}

// Where the text behind its last macro-expand ("%{…}", "%%", "%_", "%-") begins. The text is known to be well-formed.
std::size_t behind_macros(std::string_view text) {
  std::size_t behind = 0;
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', behind))
    behind = text[at + 1] == '{' ? text.find('}', at) + 1 : at + 2;
  return behind;
}

}  // namespace

bool MacroString::uses(char letter) const {
  return std::ranges::any_of(pieces, [letter](const Piece& piece) {
    const auto* macro = std::get_if<Macro>(&piece);
    return macro && macro->letter == letter;
  });
}

std::expected<MacroString, std::string> parse_macro_string(std::string_view text, MacroPlace place) {
  return MacroReader(text, place).run();
}

std::expected<MacroString, std::string> parse_domain_spec(std::string_view text) {
  if (text.empty()) return Fault("a domain is missing");
  auto spec = parse_macro_string(text, MacroPlace::record);
  if (!spec) return spec;
  std::string_view tail = text.substr(behind_macros(text));
  if (tail.empty()) return spec;
  if (base::IpAddress::parse(text))
    return Fault("an address where a domain must stand (ip4: and ip6: take addresses)");
  if (tail.ends_with('.')) tail.remove_suffix(1);
  const std::size_t dot = tail.rfind('.');
  if (dot == tail.npos || !is_toplabel(tail.substr(dot + 1)))
    return Fault("a domain must end in a dot and a top-level label");
  return spec;
}

std::optional<std::string> expand(const MacroString& text, const MacroValues& values) {
  std::string out;
  for (const Piece& piece : text.pieces) {
    if (const auto* macro = std::get_if<Macro>(&piece)) {
      const std::string value = transform(value_of(macro->letter, values), *macro);
      out += macro->escape ? url_escaped(value) : value;
    } else {
      out += std::get<std::string>(piece);
    }
    if (out.size() > kMaxExpansion) return {};
  }
  return out;
}

std::optional<std::string> expand_domain(const MacroString& text, const MacroValues& values) {
  constexpr std::size_t kLongestName = 253;
  auto name = expand(text, values);
  if (!name) return {};
  if (name->ends_with('.')) name->pop_back();
  while (name->size() > kLongestName) {
    const std::size_t dot = name->find('.');
    if (dot == name->npos) break;
    name->erase(0, dot + 1);
  }
  return name;
}

}  // namespace postrider::wire::spf
