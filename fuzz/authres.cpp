// Authentication-Results: what is read is written so that it reads the same, and what claims a name is found.
#include "wire/authres/authres.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii.hpp"

namespace authres = postrider::wire::authres;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

// Such text the writer leaves as it is.
bool is_plain(std::string_view text) {
  return text.size() <= 255 && postrider::base::is_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; });
}

bool is_plain(const authres::MethodResult& result) {
  return is_plain(result.reason) && is_plain(result.comment) &&
         std::ranges::all_of(result.properties, [](const auto& one) { return is_plain(one.value); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  authres::removal(text, "mx.example.com");
  const auto results = authres::parse(text);
  if (!results) return 0;
  require(authres::claims(text, results->authserv_id));
  require(results->results.size() <= authres::kMaxResults);
  const std::string written = authres::write_value(*results);
  const auto again = authres::parse(written);
  require(again.has_value());
  if (!is_plain(results->authserv_id)) return 0;
  for (const auto& result : results->results)
    if (!is_plain(result)) return 0;
  require(*again == *results);
  return 0;
}
