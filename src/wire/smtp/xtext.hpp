// xtext, the hexadecimal quoting of ESMTP parameter values. RFC 3461 4
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::wire::smtp {

// "+3D" becomes "=". Nothing where `text` has an octet that xtext has not (it is "!" to "~" without "+" and
// "="), or a "+" without two hexadecimal digits; lower-case digits are tolerated. The result may hold any
// octet.
std::optional<std::string> decode_xtext(std::string_view text);
// Every octet that is not an xchar becomes "+HH".
std::string encode_xtext(std::string_view text);

// The address of an ORCPT of type "utf-8": "\x{F1}" becomes U+00F1. Raw UTF-8 is refused unless `raw_utf8`
// (SMTPUTF8 was asked for). Nothing where the text is not of that form or hides a control character.
// RFC 6533 3
std::optional<std::string> decode_utf8_address(std::string_view text, bool raw_utf8);
// The way back: what is no character of that form becomes "\x{F1}", and so does all that is not ASCII unless
// `raw_utf8`. `text` is well-formed UTF-8. RFC 6533 3
std::string encode_utf8_address(std::string_view text, bool raw_utf8);

}  // namespace postrider::wire::smtp
