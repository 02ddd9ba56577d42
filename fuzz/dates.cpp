// Dates: fields in range, and a date that is written in UTC reads as the same moment.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "wire/mime/date.hpp"

namespace base = postrider::base;
namespace mime = postrider::wire::mime;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}
bool between(int low, int value, int high) { return low <= value && value <= high; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto date = mime::parse_date({reinterpret_cast<const char*>(data), size});
  if (!date) return 0;
  require(between(1900, date->year, 9999) && between(1, date->month, 12) && between(1, date->day, 31));
  require(between(0, date->hour, 23) && between(0, date->minute, 59) && between(0, date->second, 60));
  require(between(-5999, date->zone_minutes, 5999) && (date->zone_known || date->zone_minutes == 0));
  // The zone may carry the moment beyond the years that can be written.
  if (date->year == 1900 || date->year == 9999) return 0;
  const base::UtcTime moment = mime::to_utc(*date);
  const auto again = mime::parse_date(base::to_rfc5322(moment));
  require(again && mime::to_utc(*again) == moment);
  return 0;
}
