#include "wire/mime/date.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::mime {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

struct NamedZone {
  std::string_view name;
  int hours;
};
// RFC 5322 4.3
constexpr auto kZones = std::to_array<NamedZone>({{"ut", 0},
                                                  {"utc", 0},
                                                  {"gmt", 0},
                                                  {"est", -5},
                                                  {"edt", -4},
                                                  {"cst", -6},
                                                  {"cdt", -5},
                                                  {"mst", -7},
                                                  {"mdt", -6},
                                                  {"pst", -8},
                                                  {"pdt", -7}});

class DateReader {
 public:
  explicit DateReader(std::string_view raw) : raw_(raw) {}

  std::optional<Date> run() {
    skip_before_semicolon();
    take_letters();  // the name of the day
    if (!read_day() || !read_time() || !read_zone()) return std::nullopt;
    return date_;
  }

 private:
  struct Number {
    int value = 0;
    std::size_t digits = 0;
  };

  void skip_before_semicolon() {
    for (std::size_t i = 0; i < raw_.size();) {
      if (raw_[i] == '(') {
        i = comment(raw_, i).end;
      } else if (raw_[i++] == ';') {
        at_ = i;
      }
    }
  }

  // Behind white space, comments, and the comma that follows the name of the day.
  char peek() {
    for (;;) {
      at_ = skip_cfws(raw_, at_);
      if (at_ >= raw_.size()) return '\0';
      if (raw_[at_] != ',') return raw_[at_];
      ++at_;
    }
  }

  std::string_view take_letters() {
    peek();
    const std::size_t start = at_;
    while (at_ < raw_.size() && base::is_alpha(raw_[at_])) ++at_;
    return raw_.substr(start, at_ - start);
  }

  // Up to four digits, no fifth behind them.
  std::optional<Number> take_number(std::size_t most_digits) {
    peek();
    Number number;
    for (; at_ < raw_.size() && base::is_digit(raw_[at_]); ++at_) {
      if (++number.digits > most_digits) return std::nullopt;
      number.value = number.value * 10 + (raw_[at_] - '0');
    }
    if (number.digits == 0) return std::nullopt;
    return number;
  }

  bool read_day() {
    const auto day = take_number(2);
    if (!day || !read_month()) return false;
    const auto year = take_number(4);
    if (!year || year->digits < 2) return false;
    date_.day = day->value;
    date_.year = full_year(*year);
    const std::chrono::year_month_day whole{std::chrono::year(date_.year),
                                            std::chrono::month(static_cast<unsigned>(date_.month)),
                                            std::chrono::day(static_cast<unsigned>(date_.day))};
    return date_.year >= 1900 && whole.ok();
  }

  bool read_month() {
    if (base::is_digit(peek())) {
      const auto number = take_number(2);
      date_.month = number ? number->value : 0;
      return number.has_value();
    }
    const auto* found = std::ranges::find(kMonths, base::lower(take_letters()));
    date_.month = static_cast<int>(found - kMonths.begin()) + 1;
    return found != kMonths.end();
  }

  // RFC 5322 4.3: years of two and three digits
  static int full_year(Number year) {
    if (year.digits == 2) return year.value + (year.value < 50 ? 2000 : 1900);
    return year.digits == 3 ? year.value + 1900 : year.value;
  }

  bool read_time() {
    const auto hour = take_number(2);
    if (!hour) return false;
    if (peek() == ':') ++at_;
    const auto minute = take_number(2);
    if (!minute) return false;
    date_.hour = hour->value;
    date_.minute = minute->value;
    if (!read_second()) return false;
    return date_.hour <= 23 && date_.minute <= 59 && date_.second <= 60;
  }

  // Without a colon, one or two digits are the second, and more of them a zone that lost its sign.
  bool read_second() {
    const bool colon = peek() == ':';
    if (colon) ++at_;
    const std::size_t start = at_;
    const auto second = take_number(2);
    if (!second) {
      at_ = start;
      return !colon;
    }
    date_.second = second->value;
    return true;
  }

  bool read_zone() {
    const char first = peek();
    if (base::is_alpha(first)) {
      const std::string name = base::lower(take_letters());
      const auto* found = std::ranges::find(kZones, name, &NamedZone::name);
      // RFC 5322 4.3: other names say no more than -0000 does
      date_.zone_known = found != kZones.end();
      if (date_.zone_known) date_.zone_minutes = found->hours * 60;
      return true;
    }
    const bool sign = first == '+' || first == '-';
    if (!sign && !base::is_digit(first)) return true;
    if (sign) ++at_;
    const auto number = take_number(4);
    if (!number || number->value % 100 > 59) return false;
    const int minutes = number->value / 100 * 60 + number->value % 100;
    date_.zone_minutes = first == '-' ? -minutes : minutes;
    // RFC 5322 3.3: -0000 is UTC, of a place that is not told
    date_.zone_known = first != '-' || minutes != 0;
    return true;
  }

  std::string_view raw_;
  std::size_t at_ = 0;
  Date date_;
};

}  // namespace

std::optional<Date> parse_date(std::string_view raw) { return DateReader(raw).run(); }

base::UtcTime to_utc(const Date& date) {
  using namespace std::chrono;
  const year_month_day day{year(date.year), month(static_cast<unsigned>(date.month)),
                           std::chrono::day(static_cast<unsigned>(date.day))};
  return sys_days(day) + hours(date.hour) + minutes(date.minute - date.zone_minutes) + seconds(date.second);
}

}  // namespace postrider::wire::mime
