#include "mail/address.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"

namespace postrider::mail {
namespace {

constexpr std::size_t kMaxLocal = 64;     // RFC 5321 4.5.3.1.1
constexpr std::size_t kMaxMailbox = 254;  // RFC 5321 4.5.3.1.3 has 256 with the angle brackets

std::unexpected<base::Failure> bad_syntax(std::string text) {
  return base::permanent({5, 1, 3}, std::move(text));
}

// atext of RFC 5322 3.2.3, and UTF-8 by RFC 6531 3.3.
bool is_atext(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-/=?^_`{|}~";
  return base::is_alnum(c) || !base::is_ascii(c) || kOthers.contains(c);
}

bool is_dot_string(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.' || local.contains("..")) return false;
  return std::ranges::all_of(local, [](char c) { return c == '.' || is_atext(c); });
}

// What can stand in a quoted string, with or without a backslash: space to "~", and UTF-8. No controls.
bool is_quotable(char c) { return !base::is_ascii(c) || (c >= ' ' && c <= '~'); }

// `text` starts with a double quote. On success it is left at what follows the closing one.
std::optional<std::string> take_quoted_string(std::string_view& text) {
  std::string local;
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      text.remove_prefix(i + 1);
      return local;
    }
    if (c == '\\') {
      if (++i == text.size()) return {};
      c = text[i];
      if (!base::is_ascii(c)) return {};  // quoted-pairSMTP is ASCII only; RFC 5321 4.1.2, RFC 6531 3.3
    }
    if (!is_quotable(c)) return {};
    local += c;
  }
  return {};
}

// IPv6-comp stands for at least two groups: no more than six others, four where IPv4 ends it.
// RFC 5321 4.1.3
bool is_smtp_ipv6(std::string_view text) {
  if (!text.contains("::")) return true;
  std::size_t groups = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != ':' && (i == 0 || text[i - 1] == ':')) ++groups;
  return groups <= (text.contains('.') ? 5 : 6);
}

// RFC 5321 4.1.3. Tags other than IPv6 have no meaning that we know.
base::Result<Host> parse_literal(std::string_view text) {
  constexpr std::string_view kTag = "IPv6:";
  if (text.size() < 2 || text.back() != ']') return bad_syntax("Malformed address literal");
  text = text.substr(1, text.size() - 2);
  const bool v6 = base::istarts_with(text, kTag);
  if (v6) text.remove_prefix(kTag.size());
  const auto address = base::IpAddress::parse(text);
  // The text tells the version: an IPv4-mapped address is IPv4 by its value.
  if (!address || text.contains(':') != v6 || (v6 && !is_smtp_ipv6(text)))
    return bad_syntax("Malformed address literal");
  return Host(*address);
}

base::Result<Host> parse_host(std::string_view text) {
  if (text.starts_with('[')) return parse_literal(text);
  auto domain = Domain::parse(text);
  if (!domain) return std::unexpected(std::move(domain.error()));
  return Host(std::move(*domain));
}

std::size_t longest_text(const Host& host) {
  if (const auto* domain = std::get_if<Domain>(&host))
    return std::max(domain->text().size(), domain->ascii().size());
  return std::get<base::IpAddress>(host).to_literal().size();
}

bool wants_backslash(char c) { return c == '"' || c == '\\'; }

// Of what append_local() appends.
std::size_t written_size(std::string_view local) {
  if (is_dot_string(local)) return local.size();
  return local.size() + 2 + static_cast<std::size_t>(std::ranges::count_if(local, wants_backslash));
}

void append_local(std::string& out, std::string_view local) {
  if (is_dot_string(local)) {
    out += local;
    return;
  }
  out += '"';
  for (const char c : local) {
    if (wants_backslash(c)) out += '\\';
    out += c;
  }
  out += '"';
}

bool is_too_long(std::string_view local, std::size_t written) {
  return written > kMaxLocal && !is_rewritten(local);
}

std::string join(std::string_view local, std::string_view host) {
  std::string out;
  out.reserve(local.size() + 1 + host.size());
  append_local(out, local);
  out += '@';
  out += host;
  return out;
}

}  // namespace

std::string to_string(const Host& host) {
  if (const auto* domain = std::get_if<Domain>(&host)) return domain->text();
  return std::get<base::IpAddress>(host).to_literal();
}

std::string to_ascii(const Host& host) {
  if (const auto* domain = std::get_if<Domain>(&host)) return domain->ascii();
  return std::get<base::IpAddress>(host).to_literal();
}

base::Result<Address> Address::parse(std::string_view text) {
  if (!base::is_utf8(text)) return bad_syntax("Malformed address: not UTF-8");
  std::string_view rest = text;
  std::string unquoted;
  std::string_view local;
  if (text.starts_with('"')) {
    auto quoted = take_quoted_string(rest);
    if (!quoted) return bad_syntax("Malformed address: quoted local part");
    unquoted = std::move(*quoted);
    local = unquoted;
  } else {
    rest.remove_prefix(std::min(text.find('@'), text.size()));
    local = text.substr(0, text.size() - rest.size());
    if (!is_dot_string(local)) return bad_syntax("Malformed address: local part");
  }
  if (is_too_long(local, text.size() - rest.size()))
    return bad_syntax("Malformed address: local part too long");
  if (text.size() > kMaxMailbox) return bad_syntax("Malformed address: too long");
  if (!rest.starts_with('@')) return bad_syntax("Malformed address: no domain");
  auto host = parse_host(rest.substr(1));
  if (!host) return std::unexpected(std::move(host.error()));
  return make(local, std::move(*host));
}

base::Result<Address> Address::make(std::string_view local, Host host) {
  if (!base::is_utf8(local) || !std::ranges::all_of(local, is_quotable))
    return bad_syntax("Malformed address: local part");
  const auto written = written_size(local);
  if (is_too_long(local, written)) return bad_syntax("Malformed address: local part too long");
  if (written + 1 + longest_text(host) > kMaxMailbox) return bad_syntax("Malformed address: too long");
  return Address(std::string(local), std::move(host));
}

bool Address::is_ascii() const { return base::is_ascii(local_); }

std::string Address::to_string() const {
  return domain() ? join(local_, domain()->text()) : join(local_, mail::to_string(host_));
}

std::string Address::to_ascii() const {
  return domain() ? join(local_, domain()->ascii()) : join(local_, mail::to_ascii(host_));
}

bool is_rewritten(std::string_view local) {
  constexpr std::string_view kParts = "=+-";  // what forwarders write behind it
  if (local.size() < 5 || !base::istarts_with(local, "SRS")) return false;
  return (local[3] == '0' || local[3] == '1') && kParts.contains(local[4]);
}

std::string quote_local(std::string_view local) {
  std::string out;
  append_local(out, local);
  return out;
}

}  // namespace postrider::mail
