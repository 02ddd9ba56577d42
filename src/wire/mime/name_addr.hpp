// An address with the name of whose it is: "Doe, Joe" <joe@example.com>. RFC 5322 3.4. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::wire::mime {

// As it stands in a header field behind `column` octets (at most 40) of its line: the name as atoms, a quoted string or encoded
// words (RFC 2047 5), whichever is the first that can hold it; none where it is empty. `name` is UTF-8 without control
// characters, `address` an address as SMTP writes it. Folded, with CRLF, only around encoded words: their lines have at
// most 76 octets (RFC 2047 2) where the address is not longer than that itself.
std::string name_addr(std::string_view name, std::string_view address, std::size_t column);

}  // namespace postrider::wire::mime
