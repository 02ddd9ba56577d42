// The paths of MAIL and RCPT. RFC 5321 4.1.2
#pragma once

#include <expected>
#include <string_view>

#include "mail/path.hpp"
#include "mail/reply.hpp"

namespace postrider::wire::smtp {

// An argument cut in two: the path with its brackets, where it has them, and what follows it.
struct SplitPath {
  std::string_view path;
  std::string_view rest;  // parameters, without leading white space
};

// Finds the end of the path: the ">" outside quotes, or white space where there are no brackets. The path
// itself is not yet checked. 501 5.5.2 where a bracket is not closed or a parameter follows without a space.
std::expected<SplitPath, mail::Reply> split_path(std::string_view argument);

// `path` as split_path() gave it. A source route ("<@a,@b:user@c>") is checked and dropped
// (RFC 5321 Appendix C); a path without brackets is taken as if it had them; 256 octets at most with brackets
// (RFC 5321 4.5.3.1.3). UTF-8 is accepted; whether it may be there is the caller's matter.
// "<>" is the null sender. Refusals: 501 5.1.7, and 501 5.1.8 for the domain.
std::expected<mail::ReversePath, mail::Reply> parse_reverse_path(std::string_view path);
// "<postmaster>" needs no domain. Refusals: 501 5.1.3, and 501 5.1.2 for the domain.
std::expected<mail::ForwardPath, mail::Reply> parse_forward_path(std::string_view path);

}  // namespace postrider::wire::smtp
