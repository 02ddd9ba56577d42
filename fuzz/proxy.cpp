// The PROXY header: never reads more than it says, needs more at every true prefix, and looks at nothing
// behind it.
#include <algorithm>
#include <string>

#include "wire/proxy/proxy_header.hpp"

using namespace postrider::wire::proxy;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_header(input);
  if (!parsed) {
    if (parsed.error() == ProxyFault::need_more) {
      require(size < kMaxHeader);
    } else {
      const auto longer = parse_header(std::string(input) + "\r\n");
      require(!longer && longer.error() == ProxyFault::malformed);
    }
    return 0;
  }
  require(parsed->consumed > 0 && parsed->consumed <= size && parsed->consumed <= kMaxHeader);
  for (std::size_t shorter = 0; shorter < parsed->consumed; ++shorter) {
    const auto part = parse_header(std::string(input.substr(0, shorter)));
    require(!part && part.error() == ProxyFault::need_more);
  }
  const auto exact = parse_header(input.substr(0, parsed->consumed));
  require(exact && exact->consumed == parsed->consumed);
  return 0;
}
