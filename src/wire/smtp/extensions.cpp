#include "wire/smtp/extensions.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/ascii.hpp"

namespace postrider::wire::smtp {
namespace {

// Nothing for 0, which stands for "no fixed limit" (RFC 1870 4), and "no least time".
std::optional<std::uint64_t> limit_in(std::string_view text) {
  std::uint64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit == 0) return {};
  return limit;
}

void take(std::string_view line, Extensions& into) {
  const auto space = std::min(line.find(' '), line.size());
  const auto keyword = line.substr(0, space);
  const auto is = [&](std::string_view name) { return base::iequals(keyword, name); };
  if (is("PIPELINING")) into.pipelining = true;
  if (is("CHUNKING")) into.chunking = true;
  if (is("BINARYMIME")) into.binary_mime = true;
  if (is("8BITMIME")) into.eight_bit_mime = true;
  if (is("SMTPUTF8")) into.smtputf8 = true;
  if (is("DSN")) into.dsn = true;
  if (is("STARTTLS")) into.starttls = true;
  if (is("MT-PRIORITY")) into.mt_priority = true;
  if (is("DELIVERBY")) {
    into.deliver_by = true;
    into.least_by = limit_in(base::trim(line.substr(space))).value_or(0);
  }
  if (!is("SIZE")) return;
  into.size = true;
  into.most = limit_in(base::trim(line.substr(space)));
}

}  // namespace

Extensions read_extensions(const mail::Reply& hello) {
  Extensions found;
  std::string_view text = hello.text;
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    text.remove_prefix(end + 1);
    take(text.substr(0, text.find('\n')), found);
  }
  return found;
}

}  // namespace postrider::wire::smtp
