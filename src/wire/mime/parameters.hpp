// Puts together the values of parameters that were sent in pieces and in charsets: name*0*=utf-8''...
// (RFC 2231 3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/mime/content_type.hpp"

namespace postrider::wire::mime {

// One `attribute=value` as it was read.
struct ParameterPiece {
  std::string name;          // lower case, without the number and the asterisks
  std::optional<int> index;  // 0..kMaxPieceIndex; nothing: a value in one piece
  bool extended = false;     // percent-encoded, the first one with charset'language' before it
  bool quoted = false;
  std::string_view raw;  // without the quotation marks
};

// A greater number can't be meant as one, and counts as 0.
inline constexpr int kMaxPieceIndex = 99999;

// Fills in name, index and extended from the attribute as written, white space removed. RFC 2231 4.1
ParameterPiece piece_from_attribute(std::string_view attribute);

std::vector<Parameter> join_pieces(const std::vector<ParameterPiece>& pieces);

}  // namespace postrider::wire::mime
