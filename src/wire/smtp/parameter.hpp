// The parameters of MAIL and RCPT, each into its place in the command. RFC 5321 4.1.2 (esmtp-param)
#pragma once

#include <optional>
#include <string_view>

#include "wire/smtp/command.hpp"

namespace postrider::wire::smtp {

// `text` is what stands behind the path. Nothing, or the refusal: 555 5.5.4 for a parameter that we don't
// know or that `rules` forbid, 501 5.5.4 for one that is malformed or comes twice. Where something is
// returned, `command` is of no use.
std::optional<mail::Reply> parse_parameters(std::string_view text, const CommandRules& rules, Mail& command);
std::optional<mail::Reply> parse_parameters(std::string_view text, const CommandRules& rules, Rcpt& command);

}  // namespace postrider::wire::smtp
