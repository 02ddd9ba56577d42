#include "wire/spf/record.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::wire::spf {
namespace {

constexpr std::string_view kVersion = "v=spf1";

using Done = std::expected<void, std::string>;
using Fault = std::unexpected<std::string>;

constexpr std::array<std::pair<std::string_view, MechanismKind>, 8> kMechanisms = {{
    {"all", MechanismKind::all},
    {"include", MechanismKind::include},
    {"a", MechanismKind::a},
    {"mx", MechanismKind::mx},
    {"ptr", MechanismKind::ptr},
    {"ip4", MechanismKind::ip4},
    {"ip6", MechanismKind::ip6},
    {"exists", MechanismKind::exists},
}};

std::optional<Qualifier> qualifier_of(char c) {
  switch (c) {
    case '+':
      return Qualifier::pass;
    case '-':
      return Qualifier::fail;
    case '~':
      return Qualifier::softfail;
    case '?':
      return Qualifier::neutral;
    default:
      return {};
  }
}

// name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ). RFC 7208 12
std::string_view name_of(std::string_view term) {
  if (term.empty() || !base::is_alpha(term.front())) return {};
  const auto end = std::ranges::find_if_not(
      term, [](char c) { return base::is_alnum(c) || c == '-' || c == '_' || c == '.'; });
  return term.substr(0, static_cast<std::size_t>(end - term.begin()));
}

// "0" to "128", without leading zeros. RFC 7208 5.6
std::optional<int> prefix_length(std::string_view digits, int longest) {
  if (digits.empty() || digits.size() > 3 || !std::ranges::all_of(digits, base::is_digit)) return {};
  if (digits.size() > 1 && digits.front() == '0') return {};
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value <= longest ? std::optional(value) : std::nullopt;
}

constexpr std::string_view kBadPrefix = "a prefix length that is no number from 0 to ";

// Takes [ "/" ip4 ] [ "//" ip6 ] off the end of `text`. RFC 7208 5.3. Any other slash is left: it may stand in a domain.
Done take_dual_cidr(std::string_view& text, Mechanism& mechanism) {
  const auto take = [&](std::string_view sign) -> std::optional<std::string_view> {
    const std::size_t at = text.find_last_not_of("0123456789");
    if (at == text.npos || at + 1 < sign.size() || text[at] != '/') return {};
    if (text.substr(at + 1 - sign.size(), sign.size()) != sign) return {};
    const std::string_view digits = text.substr(at + 1);
    text = text.substr(0, at + 1 - sign.size());
    return digits;
  };
  if (const auto digits = take("//")) {
    const auto prefix = prefix_length(*digits, 128);
    if (!prefix) return Fault(std::string(kBadPrefix) + "128");
    mechanism.prefix6 = *prefix;
  }
  if (const auto digits = take("/")) {
    const auto prefix = prefix_length(*digits, 32);
    if (!prefix) return Fault(std::string(kBadPrefix) + "32");
    mechanism.prefix4 = *prefix;
  }
  return {};
}

// RFC 7208 5.6
Done take_network(std::string_view text, Mechanism& mechanism) {
  const bool v4 = mechanism.kind == MechanismKind::ip4;
  const int longest = v4 ? 32 : 128;
  const std::size_t slash = text.find('/');
  const std::string_view written = text.substr(0, slash);
  const auto address = base::IpAddress::parse(written);
  if (!address || written.contains(':') == v4) return Fault(v4 ? "no IPv4 address" : "no IPv6 address");
  int prefix = longest;
  if (slash != text.npos) {
    const auto given = prefix_length(text.substr(slash + 1), longest);
    if (!given) return Fault(std::string(kBadPrefix) + std::to_string(longest));
    prefix = *given;
  }
  if (!v4 && address->is_v4()) {
    // ::ffff:1.2.3.4: a client has such an address as IPv4, which ip6 never matches. RFC 7208 5. Of a network of
    // many bits nothing is left then; one of few is that of "::".
    constexpr int kZeroBits = 80;
    mechanism.network = prefix > kZeroBits ? base::Network::around(*address, 32)
                                           : base::Network::around(base::IpAddress::v6({}), prefix);
    return {};
  }
  mechanism.network = base::Network::around(*address, prefix);
  return {};
}

Done take_domain(std::string_view text, std::optional<MacroString>& domain) {
  auto spec = parse_domain_spec(text);
  if (!spec) return std::unexpected(std::move(spec.error()));
  domain = std::move(*spec);
  return {};
}

// `rest` is what stands behind the name.
Done take_arguments(std::string_view rest, Mechanism& mechanism) {
  using enum MechanismKind;
  switch (mechanism.kind) {
    case all:
      return rest.empty() ? Done{} : Fault("\"all\" takes nothing");
    case ip4:
    case ip6:
      if (!rest.starts_with(':')) return Fault("an address is missing");
      return take_network(rest.substr(1), mechanism);
    case a:
    case mx:
      if (auto done = take_dual_cidr(rest, mechanism); !done) return done;
      break;
    case include:
    case exists:
      if (rest.empty()) return Fault("a domain is missing");
      break;
    case ptr:
      break;
  }
  if (rest.empty()) return {};
  if (!rest.starts_with(':')) return Fault("what follows the mechanism's name");
  return take_domain(rest.substr(1), mechanism.domain);
}

class RecordReader {
 public:
  std::expected<Record, SyntaxError> run(std::string_view terms) {
    while (!terms.empty()) {
      const std::size_t space = std::min(terms.find(' '), terms.size());
      const std::string_view term = terms.substr(0, space);
      terms.remove_prefix(std::min(space + 1, terms.size()));
      if (term.empty()) continue;
      if (auto done = take_term(term); !done)
        return std::unexpected(SyntaxError{std::string(term), std::move(done.error())});
    }
    return std::move(record_);
  }

 private:
  Done take_term(std::string_view term) {
    const std::string_view name = name_of(term);
    if (!name.empty() && name.size() < term.size() && term[name.size()] == '=')
      return take_modifier(name, term.substr(name.size() + 1));
    return take_mechanism(term);
  }

  Done take_mechanism(std::string_view term) {
    Mechanism mechanism;
    mechanism.text = term;
    if (const auto qualifier = qualifier_of(term.front())) {
      mechanism.qualifier = *qualifier;
      term.remove_prefix(1);
    }
    const std::string_view name = name_of(term);
    const auto known = std::ranges::find_if(
        kMechanisms, [&](const auto& entry) { return base::iequals(entry.first, name); });
    if (known == kMechanisms.end()) return Fault("an unknown mechanism");
    mechanism.kind = known->second;
    if (auto done = take_arguments(term.substr(name.size()), mechanism); !done) return done;
    record_.mechanisms.push_back(std::move(mechanism));
    return {};
  }

  Done take_modifier(std::string_view name, std::string_view value) {
    const bool redirect = base::iequals(name, "redirect");
    if (redirect || base::iequals(name, "exp")) {
      auto& place = redirect ? record_.redirect : record_.exp;
      if (place) return Fault("a modifier that may stand only once");  // RFC 7208 6
      return take_domain(value, place);
    }
    auto ignored = parse_macro_string(value, MacroPlace::record);
    if (!ignored) return std::unexpected(std::move(ignored.error()));
    return {};
  }

  Record record_;
};

}  // namespace

bool is_record(std::string_view txt) {
  return base::istarts_with(txt, kVersion) && (txt.size() == kVersion.size() || txt[kVersion.size()] == ' ');
}

std::expected<Record, SyntaxError> parse_record(std::string_view txt) {
  return RecordReader().run(txt.substr(kVersion.size()));
}

}  // namespace postrider::wire::spf
