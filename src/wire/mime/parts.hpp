// The parts of a message: multipart bodies taken apart, transfer encodings undone. RFC 2045, RFC 2046. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/mime/content_type.hpp"

namespace postrider::wire::mime {

inline constexpr std::size_t kMostPartDepth = 8;
inline constexpr std::size_t kMostParts = 200;  // of a message; those behind are not seen

// Views live as long as the message.
struct Part {
  ContentType type;       // text/plain where there is none. RFC 2045 5.2
  std::string encoding;   // of the transfer, lower case; empty: none
  std::string filename;   // of Content-Disposition, or the type's name; may be empty
  std::string_view body;  // without the line end that belongs to the delimiter
  bool is(std::string_view main, std::string_view sub) const {
    return type.type == main && type.subtype == sub;
  }
};

// What is no multipart, in the order of the message, at any depth down to kMostPartDepth. Any line end. A message that is
// attached (message/rfc822) is a part, and not looked into.
std::vector<Part> leaf_parts(std::string_view message);

// The body's octets. Base64 as mail has it: characters that are none of its alphabet are passed over (RFC 2045 6.8), an end
// without padding is an end. Quoted-printable that is broken is taken as it stands (RFC 2045 6.7). Others: unchanged.
std::string decoded_body(const Part& part);

}  // namespace postrider::wire::mime
