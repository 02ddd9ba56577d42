#include "wire/smtp/data_encoder.hpp"

#include <utility>

namespace postrider::wire::smtp {

std::size_t DataEncoder::find_dot(std::string_view piece, std::size_t from) const {
  if (from == 0 && place_ == Place::line_start && piece.starts_with('.')) return 0;
  for (auto at = piece.find("\n.", from); at != piece.npos; at = piece.find("\n.", at + 1)) {
    if (at == 0 ? place_ == Place::cr : piece[at - 1] == '\r') return at + 1;
  }
  return piece.npos;
}

std::string DataEncoder::feed(std::string piece) {
  if (piece.empty()) return piece;
  auto dot = find_dot(piece, 0);
  std::string out;
  if (dot != piece.npos) {
    out.reserve(piece.size() + piece.size() / 64 + 16);
    std::size_t from = 0;
    for (; dot != piece.npos; dot = find_dot(piece, from)) {
      out.append(piece, from, dot - from);
      out += "..";
      from = dot + 1;
    }
    out.append(piece, from);
  }
  const bool ends_line = piece.ends_with("\r\n") || (piece == "\n" && place_ == Place::cr);
  place_ = ends_line ? Place::line_start : piece.back() == '\r' ? Place::cr : Place::line;
  return out.empty() ? std::move(piece) : out;
}

}  // namespace postrider::wire::smtp
