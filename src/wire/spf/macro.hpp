// Macros of SPF: "exists:%{ir}.%{l1r+-}._spf.%{d}". RFC 7208 7. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.hpp"

namespace postrider::wire::spf {

struct Macro {
  char letter = 'd';       // lower case
  bool escape = false;     // the letter was upper case: the value is URL-escaped. RFC 7208 7.3
  unsigned keep = 0;       // so many of the parts, counted from the right; 0: all
  bool reverse = false;    // the parts in reverse order, before `keep`
  std::string delimiters;  // what the value is split at; empty: "."
  bool operator==(const Macro&) const = default;
};

// Literal text, with "%%", "%_" and "%-" resolved, or a macro.
using Piece = std::variant<std::string, Macro>;

struct MacroString {
  std::vector<Piece> pieces;
  bool uses(char letter) const;  // lower case; in either case
  bool operator==(const MacroString&) const = default;
};

// Where it stands. The letters c, r and t, and spaces, are for an explanation's text only. RFC 7208 7.1, 7.2
enum class MacroPlace : std::uint8_t { record, explanation };

// The error is for people, one line.
std::expected<MacroString, std::string> parse_macro_string(std::string_view text, MacroPlace place);
// A macro string of a record that ends in a macro or in ".", a toplabel, and perhaps one more dot. RFC 7208 7.1
std::expected<MacroString, std::string> parse_domain_spec(std::string_view text);

// What the macros stand for. RFC 7208 7.2. Texts outlive the use.
struct MacroValues {
  base::IpAddress client;          // c, i, v
  std::string_view local;          // l, and s with `sender_domain`
  std::string_view sender_domain;  // o
  std::string_view domain;         // d
  std::string_view helo;           // h
  std::string_view validated;      // p
  std::string_view receiver;       // r
  std::int64_t seconds = 0;        // t: since 1970
};

inline constexpr std::size_t kMaxExpansion = 8192;  // octets

// Nothing where it would be longer than kMaxExpansion.
std::optional<std::string> expand(const MacroString& text, const MacroValues& values);
// As a name for the DNS: without a dot at the end; of one that is longer than 253 octets labels are taken off at the
// left (RFC 7208 7.3). It need not be a name that can be asked for: "a..b" may come of empty parts.
std::optional<std::string> expand_domain(const MacroString& text, const MacroValues& values);

}  // namespace postrider::wire::spf
