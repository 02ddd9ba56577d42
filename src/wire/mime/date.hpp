// Dates of header fields (Date, Received): RFC 5322 3.3 and the obsolete forms of RFC 5322 4.3. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace postrider::wire::mime {

// What was written, checked for ranges but not converted. The name of the day is not compared with the date.
struct Date {
  int year = 0;          // 1900..9999
  int month = 0;         // 1..12
  int day = 0;           // 1..31, and a day that the month has
  int hour = 0;          // 0..23
  int minute = 0;        // 0..59
  int second = 0;        // 0..60, 60 being a leap second; 0 where none was written
  int zone_minutes = 0;  // east of UTC is positive; -99:59..+99:59
  bool zone_known =
      false;  // false for -0000, the letters of the military, unknown names, and where it is missing

  bool operator==(const Date&) const = default;
};

// `raw`: a field's value with its folds. Where a semicolon stands outside of a comment, the date is behind
// the last one (Received: RFC 5321 4.4). What follows the date is not read. Beyond the grammars, a month may
// be a number, white space may stand for the colons, and the zone may be missing. Nothing for what is no
// date.
std::optional<Date> parse_date(std::string_view raw);

// Cannot fail for what parse_date gave.
base::UtcTime to_utc(const Date& date);

}  // namespace postrider::wire::mime
