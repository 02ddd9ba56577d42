// What reports come packed in, from anywhere: no more comes out than the bounds allow, and what was packed here comes back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/dmarc_report/archive.hpp"

namespace reports = postrider::wire::dmarc_report;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packed(reinterpret_cast<const char*>(data), size);
  std::size_t given = 0;
  const auto unpacked = reports::unpack(packed, [&](std::string_view piece) {
    require(!piece.empty() && piece.size() <= 64u << 10);
    given += piece.size();
    return given < 64u << 20;
  });
  if (!unpacked) require(unpacked.error().permanent() && !unpacked.error().text.empty());
  // Of each member of a gzip the first octets are free.
  require(given <= (reports::kFreeOctets + (64u << 10)) * (reports::kMostEntries + 1) +
                       reports::kMostRatio * (size + 1));
  std::string back;
  const auto own = reports::unpack(reports::gzip(packed), [&](std::string_view piece) {
    back += piece;
    return true;
  });
  // What is like itself from end to end is taken for a bomb.
  require(own ? back == packed : size > reports::kFreeOctets);
  return 0;
}
