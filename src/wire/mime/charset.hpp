// Charsets of mail, turned into UTF-8. Pure and safe to call from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::wire::mime {

// `bytes` in `charset` as well-formed UTF-8. What can't be converted becomes U+FFFD, one per octet. Nothing
// for a charset that is not on the list in charset.cpp: a stranger chooses the name, and the C library's
// rarer converters have had faults that a stranger could reach. us-ascii is read as UTF-8, which it is a part
// of.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// `text` with each octet that is not part of a well-formed UTF-8 character replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

// `text` with its control characters (0..31 but TAB, and 127) replaced by a space: what was encoded must not
// bring in line ends that a header field can't have.
std::string without_controls(std::string text);

}  // namespace postrider::wire::mime
