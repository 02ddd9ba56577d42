// What a signature allows to change on the way: nothing ("simple"), or white space ("relaxed"). RFC 6376 3.4
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/mime/header_fields.hpp"

namespace postrider::wire::dkim {

enum class Canonicalization : std::uint8_t { simple, relaxed };
std::string_view to_string(Canonicalization canonicalization);

// Appends the canonical form of one field, with its CRLF, to `out`. `field` is the whole field as it stands in the message;
// at the end of a text that has no body its last CRLF may be missing. Linear time.
void append_canonical(Canonicalization canonicalization, std::string_view field, std::string& out);

// Appends the canonical form of a signature's own field: what follows "=" in its b= is left out, and so is the last CRLF. RFC 6376 3.7
void append_unsigned(Canonicalization canonicalization, std::string_view field, std::string& out);

// The canonical form of a body while it streams by, in pieces of any size: what comes out does not depend on where they
// were cut. Memory: 4 KiB. Used by one thread at a time.
class BodyCanonicalizer {
 public:
  // Gets the canonical octets in order. Its views live for the call.
  using Sink = std::move_only_function<void(std::string_view octets)>;

  BodyCanonicalizer(Canonicalization canonicalization, Sink sink);
  // Octets of the body, which begins behind the blank line.
  void feed(std::string_view piece);
  // The body is over. Once, and last.
  void finish();

 private:
  enum class Held : std::uint8_t { nothing, white_space, white_space_cr };

  void relax(std::string_view piece);
  std::size_t settle(std::string_view rest);
  void put(std::string_view octets);
  void flush();
  void without_last_lines(std::string_view octets);
  void release_lines();

  const Canonicalization canonicalization_;
  Sink sink_;
  // relaxed: what was read and not yet put
  Held held_ = Held::nothing;
  std::string buffer_;
  // Empty lines are kept as their number: at the end of a body they don't count.
  std::uint64_t line_ends_ = 0;
  bool cr_ = false;   // behind them, half of one perhaps
  bool any_ = false;  // the sink has got octets
};

}  // namespace postrider::wire::dkim
