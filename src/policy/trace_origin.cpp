#include "policy/trace_origin.hpp"

#include <vector>

#include "base/ascii.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::policy {
namespace {

std::vector<std::string> words_of(std::string_view value) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : wire::mime::unfold(value)) {
    if (!base::is_wsp(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// "[192.0.2.1])", "[IPv6:2001:db8::1])". RFC 5321 4.1.3
std::optional<base::IpAddress> literal_of(std::string_view word) {
  if (!word.starts_with('[') || !word.ends_with("])")) return {};
  word = word.substr(1, word.size() - 3);
  if (word.starts_with("IPv6:")) word.remove_prefix(5);
  return base::IpAddress::parse(word);
}

// ESMTPA, ESMTPSA, UTF8SMTPSA, …: by an authenticated client. RFC 3848 2
bool is_authenticated(std::string_view protocol) { return protocol.ends_with('A'); }

// from HELO ([ADDR]) by HOSTNAME (Postrider) with PROTOCOL, or with NAME before [ADDR]
std::optional<TraceOrigin> read_received(const std::vector<std::string>& words,
                                         const mail::Domain& hostname) {
  if (words.size() < 8 || words[0] != "from" || !words[2].starts_with('(')) return {};
  const std::size_t named = words[2].starts_with("([") ? 0 : 1;
  const std::string_view last = words[2 + named];
  const auto client = literal_of(named == 0 ? last.substr(1) : last);
  const std::size_t by = 3 + named;
  if (!client || words.size() < by + 5) return {};
  if (words[by] != "by" || words[by + 1] != hostname.ascii() || words[by + 2] != "(Postrider)") return {};
  if (words[by + 3] != "with" || is_authenticated(words[by + 4])) return {};
  return TraceOrigin{.client = *client, .helo = words[1], .reverse_path = {}};
}

// "<alice@example.com>", "<>"
std::optional<mail::ReversePath> read_return_path(std::string_view value) {
  value = base::trim(value);
  if (value == "<>") return mail::ReversePath();
  if (!value.starts_with('<') || !value.ends_with('>')) return {};
  const auto address = mail::Address::parse(value.substr(1, value.size() - 2));
  return address ? std::optional(mail::ReversePath(*address)) : std::nullopt;
}

}  // namespace

std::optional<TraceOrigin> trace_origin(std::string_view header, const mail::Domain& hostname) {
  std::optional<mail::ReversePath> reverse_path;
  for (wire::mime::FieldScanner scan(header); const auto field = scan.next();) {
    if (base::iequals(field->name, "Return-Path")) reverse_path = read_return_path(field->value);
    if (!base::iequals(field->name, "Received")) continue;
    auto origin = read_received(words_of(field->value), hostname);
    if (origin) origin->reverse_path = std::move(reverse_path);
    return origin;
  }
  return {};
}

}  // namespace postrider::policy
