#include "wire/smtp/parameter.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "wire/smtp/xtext.hpp"

namespace postrider::wire::smtp {
namespace {

constexpr std::size_t kMaxSizeDigits = 20;  // RFC 1870 3
constexpr std::size_t kMaxEnvid = 100;      // RFC 3461 4.4
constexpr std::size_t kMaxOrcpt = 500;      // RFC 3461 4.2

constexpr std::size_t kMaxAuth = 500;  // RFC 4954 3

constexpr std::size_t kMostParameters = 9;  // that MAIL has

struct Parameter {
  std::string keyword;                    // upper case
  std::optional<std::string_view> value;  // as it came; never empty
};

enum class Taken : std::uint8_t { yes, malformed, unknown };

mail::Reply refusal(std::uint16_t code, std::string text) { return mail::reply(code, 5, 4, std::move(text)); }

bool is_keyword(std::string_view text) {
  if (text.empty() || !base::is_alnum(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return base::is_alnum(c) || c == '-'; });
}

// Controls, space and "=" never; UTF-8 by RFC 6531 3.3, and the one parameter that may hold it checks for
// itself.
bool is_value(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c > ' ' && c <= '~' && c != '=') || !base::is_ascii(c);
  });
}

std::optional<Parameter> parse_one(std::string_view word) {
  const auto equals = word.find('=');
  Parameter parameter{base::upper(word.substr(0, equals)), {}};
  if (!is_keyword(parameter.keyword)) return {};
  if (equals == std::string_view::npos) return parameter;
  parameter.value = word.substr(equals + 1);
  if (!is_value(*parameter.value)) return {};
  return parameter;
}

// Printable ASCII and space, as RFC 3461 4.2 and RFC 3461 4.4 want it after decoding.
bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Taken take_size(std::string_view value, Mail& command) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
  const bool whole = error == std::errc{} && end == value.data() + value.size();
  if (!whole || value.size() > kMaxSizeDigits) return Taken::malformed;
  command.size = size;
  return Taken::yes;
}

// BINARYMIME is not announced, so that it is unknown and not malformed. RFC 6152 2, RFC 3030 3
Taken take_body(std::string_view value, Mail& command) {
  if (base::iequals(value, "BINARYMIME")) return Taken::unknown;
  const bool seven = base::iequals(value, "7BIT");
  if (!seven && !base::iequals(value, "8BITMIME")) return Taken::malformed;
  command.body = seven ? mail::BodyType::seven_bit : mail::BodyType::eight_bit_mime;
  return Taken::yes;
}

// RFC 3461 4.3
Taken take_ret(std::string_view value, Mail& command) {
  const bool full = base::iequals(value, "FULL");
  if (!full && !base::iequals(value, "HDRS")) return Taken::malformed;
  command.ret = full ? mail::DsnReturn::full : mail::DsnReturn::headers;
  return Taken::yes;
}

Taken take_envid(std::string_view value, Mail& command) {
  auto decoded = decode_xtext(value);
  if (!decoded || !is_printable(*decoded) || decoded->size() > kMaxEnvid) return Taken::malformed;
  command.envid = std::move(*decoded);
  return Taken::yes;
}

// An address or "<>", which stands for nobody. RFC 4954 5
Taken take_auth(std::string_view value, Mail& command) {
  auto decoded = decode_xtext(value);
  if (!decoded || value.size() > kMaxAuth) return Taken::malformed;
  if (*decoded != "<>" && !mail::Address::parse(*decoded)) return Taken::malformed;
  command.submitter = std::move(*decoded);
  return Taken::yes;
}

// At most nine digits, as the extensions below have them.
std::optional<std::int64_t> nine_digits(std::string_view text) {
  constexpr std::size_t kNine = 9;
  if (text.empty() || text.size() > kNine || !std::ranges::all_of(text, base::is_digit)) return {};
  std::int64_t number = 0;
  for (const char c : text) number = number * 10 + (c - '0');
  return number;
}

// RFC 4865 3
Taken take_hold_for(std::string_view value, Mail& command) {
  const auto seconds = nine_digits(value);
  if (!seconds || value.front() == '0' || command.hold) return Taken::malformed;
  command.hold = std::chrono::seconds(*seconds);
  return Taken::yes;
}

Taken take_hold_until(std::string_view value, Mail& command) {
  const auto time = base::parse_rfc3339(value);
  if (!time || command.hold) return Taken::malformed;
  command.hold = *time;
  return Taken::yes;
}

// RFC 2852 4
Taken take_by(std::string_view value, Mail& command) {
  const auto semicolon = std::min(value.find(';'), value.size());
  std::string_view time = value.substr(0, semicolon);
  const std::string mode = base::upper(value.substr(std::min(semicolon + 1, value.size())));
  const bool negative = time.starts_with('-');
  if (negative || time.starts_with('+')) time.remove_prefix(1);
  const auto seconds = nine_digits(time);
  if (!seconds || (mode != "R" && mode != "RT" && mode != "N" && mode != "NT")) return Taken::malformed;
  DeliverBy by{std::chrono::seconds(negative ? -*seconds : *seconds), mode[0] == 'N', mode.size() == 2};
  // What is late already can't be returned in time.
  if (!by.notify && by.within.count() <= 0) return Taken::malformed;
  command.by = by;
  return Taken::yes;
}

// RFC 6710 3
Taken take_priority(std::string_view value, Mail& command) {
  const bool negative = value.starts_with('-');
  const auto digit = negative ? value.substr(1) : value;
  if (digit.size() != 1 || !base::is_digit(digit[0]) || (negative && digit[0] == '0'))
    return Taken::malformed;
  const int number = digit[0] - '0';
  command.priority = static_cast<std::int8_t>(negative ? -number : number);
  return Taken::yes;
}

// The parameters of extensions that not every listener has.
Taken take_wish(const Parameter& parameter, const CommandRules& rules, Mail& command) {
  using Take = Taken (*)(std::string_view, Mail&);
  const struct {
    std::string_view keyword;
    bool allowed;
    Take take;
  } all[] = {{"HOLDFOR", rules.future_release, take_hold_for},
             {"HOLDUNTIL", rules.future_release, take_hold_until},
             {"BY", rules.deliver_by, take_by},
             {"MT-PRIORITY", rules.mt_priority, take_priority}};
  for (const auto& [keyword, allowed, take] : all) {
    if (keyword != parameter.keyword) continue;
    if (!allowed) return Taken::unknown;
    return parameter.value ? take(*parameter.value, command) : Taken::malformed;
  }
  return Taken::unknown;
}

// NEVER stands alone. RFC 3461 4.1
Taken take_notify(std::string_view value, Rcpt& command) {
  command.notify.specified = true;
  if (base::iequals(value, "NEVER")) return Taken::yes;
  for (std::size_t begin = 0; begin <= value.size();) {
    const auto end = std::min(value.find(',', begin), value.size());
    const auto word = value.substr(begin, end - begin);
    if (base::iequals(word, "SUCCESS")) {
      command.notify.success = true;
    } else if (base::iequals(word, "FAILURE")) {
      command.notify.failure = true;
    } else if (base::iequals(word, "DELAY")) {
      command.notify.delay = true;
    } else {
      return Taken::malformed;
    }
    begin = end + 1;
  }
  return Taken::yes;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
}

// The type is an atom (RFC 3461 4.2), of which all that are registered are letters, digits and hyphens.
Taken take_orcpt(std::string_view value, bool smtputf8, Rcpt& command) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos || value.size() > kMaxOrcpt) return Taken::malformed;
  std::string type(value.substr(0, semicolon));
  const auto address = value.substr(semicolon + 1);
  if (!is_keyword(type)) return Taken::malformed;
  const bool utf8 = base::iequals(type, "utf-8");
  auto decoded = utf8 ? decode_utf8_address(address, smtputf8) : decode_xtext(address);
  if (!decoded || decoded->empty()) return Taken::malformed;
  if (!utf8 && !is_printable(*decoded)) {
    // Postfix 3.7 writes the address of a UTF-8 recipient as xtext of type rfc822, where RFC 6533 3 has utf-8.
    if (!smtputf8 || !base::iequals(type, "rfc822") || !base::is_utf8(*decoded) || has_control(*decoded))
      return Taken::malformed;
    type = "utf-8";
  }
  command.orcpt = mail::OriginalRecipient{std::move(type), std::move(*decoded)};
  return Taken::yes;
}

Taken take(const Parameter& parameter, const CommandRules& rules, Mail& command) {
  const auto& [keyword, value] = parameter;
  if (keyword == "SMTPUTF8") {  // RFC 6531 3.4
    if (!rules.smtputf8) return Taken::unknown;
    command.smtputf8 = true;
    return value ? Taken::malformed : Taken::yes;
  }
  if (keyword == "SIZE") return value ? take_size(*value, command) : Taken::malformed;
  if (keyword == "BODY") return value ? take_body(*value, command) : Taken::malformed;
  if (keyword == "RET") return value ? take_ret(*value, command) : Taken::malformed;
  if (keyword == "ENVID") return value ? take_envid(*value, command) : Taken::malformed;
  if (keyword == "AUTH" && rules.auth) return value ? take_auth(*value, command) : Taken::malformed;
  return take_wish(parameter, rules, command);
}

Taken take(const Parameter& parameter, const CommandRules& rules, Rcpt& command) {
  const auto& [keyword, value] = parameter;
  if (keyword == "NOTIFY") return value ? take_notify(*value, command) : Taken::malformed;
  if (keyword == "ORCPT") return value ? take_orcpt(*value, rules.smtputf8, command) : Taken::malformed;
  return Taken::unknown;
}

template <class Command>
std::optional<mail::Reply> parse_all(std::string_view text, const CommandRules& rules, Command& command) {
  std::vector<std::string> seen;
  if (!text.empty()) seen.reserve(kMostParameters);
  for (text = base::trim(text); !text.empty(); text = base::trim(text)) {
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const auto parameter = parse_one(text.substr(0, end));
    text.remove_prefix(end);
    if (!parameter) return refusal(501, "Syntax error in parameters");
    const auto taken = rules.extensions ? take(*parameter, rules, command) : Taken::unknown;
    // RFC 5321 4.1.1.11
    if (taken == Taken::unknown) return refusal(555, "Parameter not recognized or not implemented");
    if (taken == Taken::malformed) return refusal(501, "Bad value of parameter " + parameter->keyword);
    if (std::ranges::find(seen, parameter->keyword) != seen.end())
      return refusal(501, "Parameter given twice");
    seen.push_back(parameter->keyword);
  }
  return {};
}

}  // namespace

std::optional<mail::Reply> parse_parameters(std::string_view text, const CommandRules& rules, Mail& command) {
  return parse_all(text, rules, command);
}

std::optional<mail::Reply> parse_parameters(std::string_view text, const CommandRules& rules, Rcpt& command) {
  return parse_all(text, rules, command);
}

}  // namespace postrider::wire::smtp
