#include "wire/srs/srs.hpp"

#include <chrono>

#include "base/ascii.hpp"

namespace postrider::wire::srs {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648 6
constexpr std::size_t kMark = 5;                                          // "SRS0="
constexpr std::size_t kDay = 2;
// 30 bits: who guesses has one try for each RCPT, and would win one address that leads to one sender for some days.
constexpr std::size_t kHash = 6;

std::string base32(std::uint32_t bits, std::size_t characters) {
  std::string out(characters, 'A');
  for (auto at = out.rbegin(); at != out.rend(); ++at, bits >>= 5) *at = kBase32[bits & 31];
  return out;
}

bool is_base32(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return kBase32.contains(base::to_upper(c)); });
}

std::string hash_of(const mail::Address& leads_to, bool chained, Day day, const Mac& mac) {
  const std::string made =
      mac((chained ? "SRS1 " : "SRS0 ") + std::to_string(day) + ' ' + base::lower(leads_to.to_ascii()));
  std::uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits = bits << 8 | static_cast<unsigned char>(made.at(i));
  return base32(bits, kHash);
}

// What stands before the next "=", which goes too.
std::optional<std::string_view> take_part(std::string_view& text) {
  const auto end = text.find('=');
  if (end == std::string_view::npos) return {};
  const auto part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

// Who rewrote first, and what stands behind "SRS0" in its address.
struct First {
  mail::Domain forwarder;
  std::string_view rest;
};

// Of "...=two.test==HHHH=TT=one.test=alice", what stands behind "SRS1=" and its hash. The hash is another's: any.
std::optional<First> first_of_chain(std::string_view behind_hash) {
  const auto host = take_part(behind_hash);
  auto forwarder = host ? mail::Domain::parse(*host) : std::unexpected(base::Failure{});
  if (!forwarder || !mail::is_rewritten("SRS0" + std::string(behind_hash))) return {};
  return First{std::move(*forwarder), behind_hash};
}

std::optional<First> first_of(const mail::Address& sender) {
  const std::string_view local = sender.local();
  if (!mail::is_rewritten(local)) return {};
  if (local[3] == '0') return First{*sender.domain(), local.substr(kMark - 1)};
  std::string_view rest = local.substr(kMark);
  if (!take_part(rest)) return {};
  return first_of_chain(rest);
}

std::unexpected<base::Failure> not_possible(std::string why) {
  return base::permanent({5, 1, 7}, std::move(why));
}

std::optional<mail::Address> address_of(std::string_view local, std::string_view host) {
  const auto domain = mail::Domain::parse(base::lower(host));
  auto address = domain ? mail::Address::make(local, *domain) : std::unexpected(domain.error());
  if (!address) return {};
  return std::move(*address);
}

}  // namespace

Day day_of(base::UtcTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time.time_since_epoch()).count();
  return static_cast<Day>(static_cast<std::uint64_t>(days) % kDays);
}

unsigned days_since(Day day, Day today) {
  const unsigned days = (kDays + today - day % kDays) % kDays;
  return days == kDays - 1 ? 0 : days;
}

base::Result<mail::Address> rewrite(const mail::Address& sender, const mail::Domain& forwarder, Day day,
                                    const Mac& mac) {
  if (!sender.domain()) return not_possible("a sender at an address literal can't be rewritten");
  const std::string when = base32(day, kDay);
  std::string local;
  if (const auto first = first_of(sender)) {
    auto leads_to = mail::Address::make("SRS0" + std::string(first->rest), first->forwarder);
    if (!leads_to) return not_possible("the sender is too long to be rewritten");
    local = "SRS1=" + hash_of(*leads_to, true, day, mac) + when + '=' + first->forwarder.ascii() + '=';
    local += first->rest;
  } else {
    local = "SRS0=" + hash_of(sender, false, day, mac) + '=' + when + '=' + sender.domain()->ascii() + '=';
    local += sender.local();
  }
  auto address = mail::Address::make(local, forwarder);
  if (!address) return not_possible("the sender is too long to be rewritten");
  return address;
}

std::optional<Rewritten> read(const mail::Address& address) {
  std::string_view rest = address.local();
  if (!mail::is_rewritten(rest) || rest[kMark - 1] != '=') return {};
  const bool chained = rest[3] == '1';
  rest.remove_prefix(kMark);
  auto hash = take_part(rest);
  if (!hash) return {};
  std::optional<std::string_view> when;
  if (chained) {
    if (hash->size() != kHash + kDay) return {};
    when = hash->substr(kHash);
    hash = hash->substr(0, kHash);
  } else {
    when = take_part(rest);
  }
  if (!when || when->size() != kDay || hash->size() != kHash || !is_base32(*hash) || !is_base32(*when))
    return {};
  const auto digit = [&](std::size_t at) { return kBase32.find(base::to_upper((*when)[at])); };
  const auto day = static_cast<Day>(digit(0) * 32 + digit(1));
  const auto host = take_part(rest);
  if (!host || (chained && !mail::is_rewritten("SRS0" + std::string(rest)))) return {};
  auto leads_to = address_of((chained ? "SRS0" : "") + std::string(rest), *host);
  if (!leads_to) return {};
  return Rewritten{std::move(*leads_to), chained, day, base::lower(*hash)};
}

bool is_made_by(const Rewritten& rewritten, const Mac& mac) {
  const std::string right = base::lower(hash_of(rewritten.leads_to, rewritten.chained, rewritten.day, mac));
  if (rewritten.hash.size() != right.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < right.size(); ++i)
    difference |= static_cast<unsigned char>(right[i]) ^ static_cast<unsigned char>(rewritten.hash[i]);
  return difference == 0;
}

}  // namespace postrider::wire::srs
