// What a notification gives back of the message that it is about. Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postrider::wire::dsn {

inline constexpr std::size_t kMaxReturnedHeader = 64u << 10;
inline constexpr std::size_t kMaxReturnedBody = 50u << 10;

struct Original {
  enum class Part : std::uint8_t {
    none,     // it could not be read
    headers,  // as was asked, or as its body can't be a part of a message of lines
    start,    // the header and the first whole lines of the body, at most kMaxReturnedBody
    full,
  };
  Part part = Part::none;
  std::string header;  // fields with CRLF line ends, at most 998 octets a line; no blank line
  std::string body;    // with CRLF line ends, at most 998 octets a line
};

// Takes a message in pieces of any size and keeps what comes back of it.
class OriginalReader {
 public:
  enum class Wanted : std::uint8_t { headers, full };
  explicit OriginalReader(Wanted wanted) : wanted_(wanted) {}

  // The next octets. False: what follows is of no use.
  bool feed(std::string_view piece);
  // After the last piece, or when feed() said false. Once.
  Original take();

 private:
  const Wanted wanted_;
  std::string gathered_;
};

}  // namespace postrider::wire::dsn
