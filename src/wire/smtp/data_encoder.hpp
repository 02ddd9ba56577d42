// Message content as DATA carries it: the other side of DataDecoder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postrider::wire::smtp {

// A dot is added before each dot at the start of a line, and a line end where the last line has none.
// RFC 5321 4.5.2, RFC 5321 4.1.1.4 Lines end with CRLF and with nothing else: content with a bare LF or CR must not come
// here, as a server that takes "\n.\n" for an end would read what follows as commands.
class DataEncoder {
 public:
  // What goes out for this piece: it itself, not copied, where nothing is to be added. How the message is cut into
  // pieces makes no difference.
  std::string feed(std::string piece);
  // The end of the data. Once, after the last piece.
  std::string_view finish() const { return place_ == Place::line_start ? ".\r\n" : "\r\n.\r\n"; }

 private:
  enum class Place : std::uint8_t { line_start, line, cr };
  // Where in `piece`, from `from` on, the next dot is that wants another one; npos where none is.
  std::size_t find_dot(std::string_view piece, std::size_t from) const;

  Place place_ = Place::line_start;
};

}  // namespace postrider::wire::smtp
