// SPF records and macro strings: what is parsed keeps its bounds, and expands within them whatever the values are.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/spf/record.hpp"

namespace spf = postrider::wire::spf;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void expand(const spf::MacroString& text, std::string_view value) {
  const spf::MacroValues values = {
      .client = postrider::base::IpAddress::parse("2001:db8::1").value(),
      .local = value.substr(0, 64),
      .sender_domain = value.substr(0, 255),
      .domain = value.substr(0, 255),
      .helo = value.substr(0, 512),
      .validated = value.substr(0, 255),
      .receiver = "mx.example.net",
      .seconds = 1700000000,
  };
  const auto whole = spf::expand(text, values);
  require(!whole || whole->size() <= spf::kMaxExpansion);
  const auto name = spf::expand_domain(text, values);
  require(name.has_value() == whole.has_value());
  // Nothing but a label that is too long by itself is longer than a name may be.
  require(!name || name->size() <= 253 || name->find('.') == name->npos);
}

void check(const spf::Mechanism& mechanism, std::string_view value) {
  require(0 <= mechanism.prefix4 && mechanism.prefix4 <= 32);
  require(0 <= mechanism.prefix6 && mechanism.prefix6 <= 128);
  require(!mechanism.text.empty() && !mechanism.text.contains(' '));
  using enum spf::MechanismKind;
  const bool needs = mechanism.kind == include || mechanism.kind == exists;
  const bool never = mechanism.kind == all || mechanism.kind == ip4 || mechanism.kind == ip6;
  require(!(needs && !mechanism.domain) && !(never && mechanism.domain));
  if (mechanism.domain) expand(*mechanism.domain, value);
  // A term that is alone means the same.
  const auto again = spf::parse_record("v=spf1 " + mechanism.text);
  require(again && again->mechanisms.size() == 1 && again->mechanisms[0].kind == mechanism.kind &&
          again->mechanisms[0].domain == mechanism.domain);
}

}  // namespace

// The first line is the record or an explanation's text, the rest a value for its macros.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), size);
  const std::string_view text = input.substr(0, end);
  const std::string_view value = input.substr(std::min(end + 1, size));
  if (const auto explanation = spf::parse_macro_string(text, spf::MacroPlace::explanation))
    expand(*explanation, value);
  if (!spf::is_record(text)) return 0;
  const auto record = spf::parse_record(text);
  if (!record) {
    require(!record.error().what.empty() && text.contains(record.error().term));
    return 0;
  }
  for (const spf::Mechanism& mechanism : record->mechanisms) check(mechanism, value);
  if (record->redirect) expand(*record->redirect, value);
  if (record->exp) expand(*record->exp, value);
  return 0;
}
