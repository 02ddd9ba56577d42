// SPF records: "v=spf1 mx include:_spf.example.com -all". RFC 7208 4.5, 4.6, 5, 6, 12. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "wire/spf/macro.hpp"

namespace postrider::wire::spf {

enum class Qualifier : std::uint8_t { pass, fail, softfail, neutral };  // "+" "-" "~" "?". RFC 7208 4.6.2

enum class MechanismKind : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };  // RFC 7208 5

struct Mechanism {
  Qualifier qualifier = Qualifier::pass;
  MechanismKind kind = MechanismKind::all;
  std::optional<MacroString> domain;  // a, mx, ptr: without one, the domain whose record this is
  int prefix4 = 32, prefix6 = 128;    // a, mx
  base::Network network;              // ip4, ip6
  std::string text;                   // as it stands in the record
};

// Modifiers that we don't know are checked and left out. RFC 7208 6
struct Record {
  std::vector<Mechanism> mechanisms;
  std::optional<MacroString> redirect;  // RFC 7208 6.1
  std::optional<MacroString> exp;       // RFC 7208 6.2
};

// A TXT record with the version of this document: "v=spf1" in any case, then a space or the end. RFC 7208 4.5
bool is_record(std::string_view txt);

struct SyntaxError {
  std::string term;  // where, as it stands in the record: any octets
  std::string what;  // for people, one line
};
// Requires is_record(). An error anywhere is an error of the whole. RFC 7208 4.6
std::expected<Record, SyntaxError> parse_record(std::string_view txt);

}  // namespace postrider::wire::spf
