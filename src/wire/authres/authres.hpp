// The Authentication-Results header field, RFC 8601: what a server found out about a message, told to those who trust it.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "mail/edit.hpp"

namespace postrider::wire::authres {

// "smtp.mailfrom=joe@example.com", "header.d=example.com". RFC 8601 2.3
struct Property {
  std::string type;   // "smtp", "header", "body", "policy"; lower case when read
  std::string name;   // likewise
  std::string value;  // without the quotation marks that only the field needs
  bool operator==(const Property&) const = default;
};

// "dkim=pass reason=\"...\" header.d=example.com"
struct MethodResult {
  std::string method;         // lower case when read
  std::uint32_t version = 1;  // of the method; RFC 8601 2.6
  std::string result;         // lower case when read
  std::string comment{};      // behind the result, for people
  std::string reason{};       // empty: none
  std::vector<Property> properties{};
  bool operator==(const MethodResult&) const = default;
};

struct AuthenticationResults {
  std::string authserv_id;  // who says so: a domain, as a rule
  std::uint32_t version = 1;
  std::vector<MethodResult> results;  // empty: "none", no check was made
  bool operator==(const AuthenticationResults&) const = default;
};

inline constexpr std::size_t kMaxResults = 100;
inline constexpr std::size_t kMaxProperties = 50;  // of one result

// `value`: the field behind its colon, with its folds. Takes what others write besides the grammar: a semicolon at the end,
// values with characters that should be quoted. The error is for people; a version that we don't know is one
// (RFC 8601 2.2).
std::expected<AuthenticationResults, std::string> parse(std::string_view value);

// Whether a field with that value says to be of `authserv_id`: as parse() reads it, compared as domains; or as far as it
// can be read; or, where it can't, by having the name anywhere in it. What claims so and did not come from us is removed
// at the border. RFC 8601 5
bool claims(std::string_view value, std::string_view authserv_id);
// What removes all such fields of a header section (all fields, without the blank line).
mail::Edits removal(std::string_view header, std::string_view authserv_id);

// The whole field with its CRLF, folded at 78 octets where a word allows it. Values are quoted where they must be, and cut
// to 255 octets; control characters and what is no UTF-8 become "?". So no text in it can add a field or a result.
std::string write(const AuthenticationResults& results);
// The same without the field's name and last CRLF: "mx.example.com; dkim=pass header.d=example.com".
std::string write_value(const AuthenticationResults& results);

}  // namespace postrider::wire::authres
