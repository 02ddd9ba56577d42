// Trace fields on top of a message: what is read back as ours has only what we could have written.
#include "policy/trace_origin.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto host = postrider::mail::Domain::parse("mx.example.com").value();
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  const auto origin = postrider::policy::trace_origin(header, host);
  if (!origin) return 0;
  require(header.find("mx.example.com") != std::string_view::npos);
  require(header.find(origin->helo) != std::string_view::npos);
  require(!origin->helo.empty() && origin->helo.find_first_of(" \t\r\n") == std::string_view::npos);
  return 0;
}
