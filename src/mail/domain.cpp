#include "mail/domain.hpp"

#include <idn2.h>

#include <memory>
#include <optional>

#include "base/ascii.hpp"

namespace postrider::mail {
namespace {

constexpr std::size_t kMaxDomain = 255;
constexpr std::size_t kMaxLabel = 63;
// A U-label in UTF-8 is at most 252 octets long (RFC 5890 4.2); checked first, since Punycode takes time that
// grows with the square of the length.
constexpr std::size_t kMaxULabel = 252;
constexpr std::string_view kAcePrefix = "xn--";

struct IdnFree {
  void operator()(char* text) const { idn2_free(text); }
};
using IdnText = std::unique_ptr<char, IdnFree>;

// UTS 46 mapping, non-transitional, so that "Ñandú" and "ñandú" are one label while "ß" stays itself.
std::optional<std::string> to_a_label(const std::string& label) {
  char* out = nullptr;
  const int error = idn2_to_ascii_8z(label.c_str(), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const IdnText owner(out);
  if (error != IDN2_OK) return {};
  return std::string(out);
}

std::optional<std::string> to_u_label(const std::string& label) {
  char* out = nullptr;
  const int error = idn2_to_unicode_8z8z(label.c_str(), &out, 0);
  const IdnText owner(out);
  if (error != IDN2_OK) return {};
  return std::string(out);
}

std::unexpected<base::Failure> bad_domain(std::string text) {
  return base::permanent({5, 1, 2}, std::move(text));
}

// The ASCII octets of a label are letters, digits and inner hyphens; RFC 5321 4.1.2 (sub-domain).
bool is_ldh(std::string_view label) {
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label,
                             [](char c) { return !base::is_ascii(c) || base::is_alnum(c) || c == '-'; });
}

struct Label {
  std::string ascii;
  std::string text;
};

base::Result<Label> convert_a_label(std::string_view label) {
  const std::string lower = base::lower(label);
  // Only what comes back unchanged is an A-label; RFC 5890 2.3.2.1
  const auto unicode = to_u_label(lower);
  const auto again = unicode ? to_a_label(*unicode) : std::nullopt;
  if (!again || *again != lower) return bad_domain("Malformed domain: not an IDNA A-label");
  return Label{lower, std::string(label)};
}

base::Result<Label> convert_u_label(std::string_view label) {
  if (label.size() > kMaxULabel) return bad_domain("Domain label too long");
  const auto ascii = to_a_label(std::string(label));
  // A label that maps to plain ASCII ("ａ") or to several labels ("a。b") is a disguise and no U-label.
  if (!ascii || !ascii->starts_with(kAcePrefix) || ascii->contains('.'))
    return bad_domain("Malformed domain: not an IDNA U-label");
  if (ascii->size() > kMaxLabel) return bad_domain("Domain label too long");
  const auto unicode = to_u_label(*ascii);
  if (!unicode) return bad_domain("Malformed domain: not an IDNA U-label");
  return Label{*ascii, *unicode};
}

base::Result<Label> convert(std::string_view label) {
  if (label.empty()) return bad_domain("Malformed domain: empty label");
  if (!is_ldh(label)) return bad_domain("Malformed domain: letters, digits and inner hyphens only");
  if (!base::is_ascii(label)) return convert_u_label(label);
  if (label.size() > kMaxLabel) return bad_domain("Domain label too long");  // RFC 5321 4.5.3.1.2
  if (base::istarts_with(label, kAcePrefix)) return convert_a_label(label);
  return Label{base::lower(label), std::string(label)};
}

// As most are: of letters, digits and inner hyphens alone, and in lower case. It is its own A-labels.
bool is_plain(std::string_view text) {
  const auto is_lower = [](char c) { return base::is_ascii(c) && c == base::to_lower(c); };
  if (text.size() > kMaxDomain || !std::ranges::all_of(text, is_lower)) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > kMaxLabel || !is_ldh(label) || label.starts_with(kAcePrefix))
      return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

}  // namespace

base::Result<Domain> Domain::parse(std::string_view text) {
  if (is_plain(text)) return Domain(std::string(text), {});
  if (text.empty()) return bad_domain("Malformed domain: empty");
  if (text.size() > 4 * kMaxDomain) return bad_domain("Domain too long");
  if (!base::is_utf8(text)) return bad_domain("Malformed domain: not UTF-8");
  std::string ascii;
  std::string written;  // begun at the first label that differs
  ascii.reserve(text.size());
  bool differs = false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('.', begin), text.size());
    auto label = convert(text.substr(begin, end - begin));
    if (!label) return std::unexpected(std::move(label.error()));
    if (begin > 0) {
      ascii += '.';
      if (differs) written += '.';
    }
    if (!differs && label->text != label->ascii) {
      differs = true;
      written = ascii;
    }
    ascii += label->ascii;
    if (differs) written += label->text;
    begin = end + 1;
  }
  if (ascii.size() > kMaxDomain) return bad_domain("Domain too long");  // RFC 5321 4.5.3.1.2
  return Domain(std::move(ascii), std::move(written));
}

bool Domain::is_within(const Domain& parent) const {
  if (!ascii_.ends_with(parent.ascii_)) return false;
  const auto rest = ascii_.size() - parent.ascii_.size();
  return rest == 0 || ascii_[rest - 1] == '.';
}

}  // namespace postrider::mail
