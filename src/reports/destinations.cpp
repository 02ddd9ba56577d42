#include "reports/destinations.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/ascii.hpp"
#include "policy/dmarc_walk.hpp"
#include "wire/dmarc/record.hpp"
#include "wire/mime/hex.hpp"

namespace postrider::reports {
namespace {

// Of a domain name as text. RFC 1035 2.3.4
constexpr std::size_t kLongestName = 253;

std::string_view tag_of(ReportKind kind) { return kind == ReportKind::failure ? "ruf" : "rua"; }

std::string_view tag_value(std::string_view record, std::string_view name) {
  while (!record.empty()) {
    const std::size_t end = std::min(record.find(';'), record.size());
    const std::string_view tag = record.substr(0, end);
    record.remove_prefix(std::min(end + 1, record.size()));
    const std::size_t equals = tag.find('=');
    if (equals != tag.npos && base::iequals(base::trim(tag.substr(0, equals)), name))
      return base::trim(tag.substr(equals + 1));
  }
  return {};
}

// "10m": a number, and a power of 2^10. RFC 7489 6.2
std::optional<std::uint64_t> size_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return {};
  constexpr std::string_view kUnits = "kmgt";
  const std::string_view unit(end, text.data() + text.size());
  if (unit.empty()) return number;
  const std::size_t power = kUnits.find(base::to_lower(unit.front()));
  if (unit.size() != 1 || power == kUnits.npos) return {};
  const auto shift = 10 * (power + 1);
  if (number > std::numeric_limits<std::uint64_t>::max() >> shift) return {};
  return number << shift;
}

// RFC 6068 2; what follows "?" is of no use here.
std::optional<mail::Address> address_of(std::string_view uri) {
  constexpr std::string_view kScheme = "mailto:";
  if (!base::istarts_with(uri, kScheme)) return {};
  uri = uri.substr(0, uri.find('?')).substr(kScheme.size());
  std::string text;
  for (std::size_t at = 0; at < uri.size(); ++at) {
    const auto octet = uri[at] == '%' ? wire::mime::hex_octet(uri, at) : std::nullopt;
    text += octet.value_or(uri[at]);
    if (octet) at += 2;
  }
  auto address = mail::Address::parse(text);
  if (!address || !address->domain()) return {};
  return std::move(*address);
}

}  // namespace

std::vector<ReportUri> report_uris(std::string_view record, ReportKind kind) {
  std::vector<ReportUri> out;
  std::string_view list = tag_value(record, tag_of(kind));
  while (!list.empty() && out.size() < kMostUris) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view text = base::trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t mark = text.find('!');
    auto address = address_of(base::trim(text.substr(0, mark)));
    if (!address) continue;
    const auto is_there = [&](const ReportUri& each) { return each.address == *address; };
    if (std::ranges::any_of(out, is_there)) continue;
    out.push_back({.address = std::move(*address),
                   .most = mark == text.npos ? std::nullopt : size_of(base::trim(text.substr(mark + 1)))});
  }
  return out;
}

// RFC 9990 4, steps 2 to 9
DestinationCheck::Step DestinationCheck::confirm(const ReportUri& uri, const std::string& host,
                                                 policy::Lookups& lookups, Destinations& found) const {
  const std::string name = domain_ + "._report._dmarc." + host;
  const auto refuse = [&](std::string_view why) {
    found.refused.push_back(uri.address.to_string() + ": " + name + ": " + std::string(why));
    return Step::done;
  };
  if (name.size() > kLongestName) return refuse("longer than a name may be");
  const policy::TextAnswer* answer = lookups.txt(name);
  if (!answer) return Step::pending;
  if (!*answer) {
    if (!policy::is_void(*answer) && sys::dns::is_temporary(answer->error().error))
      found.trouble = name + ": " + std::string(to_string(answer->error().error));
    return refuse(to_string(answer->error().error));
  }
  bool agrees = false;
  for (const std::string& text : (*answer)->records) {
    if (!wire::dmarc::parse_record(text)) continue;
    agrees = true;
    if (tag_value(text, tag_of(kind_)).empty()) continue;
    const auto others = report_uris(text, kind_);
    const auto elsewhere = [&](const ReportUri& other) { return other.address.domain()->ascii() != host; };
    // To neither of both.
    if (others.empty() || std::ranges::any_of(others, elsewhere))
      return refuse("sends it on to another host");
    found.uris.insert(found.uris.end(), others.begin(), others.end());
    return Step::done;
  }
  if (!agrees) return refuse("no record that begins with v=DMARC1");
  found.uris.push_back(uri);
  return Step::done;
}

DestinationCheck::Step DestinationCheck::judge(const ReportUri& uri, policy::Lookups& lookups,
                                               Destinations& found) const {
  const std::string host = uri.address.domain()->ascii();
  const policy::DmarcWalk own = policy::dmarc_walk(domain_, lookups);
  const policy::DmarcWalk theirs = policy::dmarc_walk(host, lookups);
  if (own.pending || theirs.pending) return Step::pending;
  if (const std::string& trouble = own.trouble.empty() ? theirs.trouble : own.trouble; !trouble.empty()) {
    found.trouble = trouble;
    return Step::done;
  }
  if (own.organization != theirs.organization) return confirm(uri, host, lookups, found);
  found.uris.push_back(uri);
  return Step::done;
}

bool DestinationCheck::go_on(policy::Lookups& lookups) {
  const policy::TextAnswer* answer = lookups.txt(policy::dmarc_name(domain_));
  if (!answer) return false;
  Destinations found;
  if (!*answer) {
    if (!policy::is_void(*answer)) found.trouble = std::string(to_string(answer->error().error));
    found_ = std::move(found);
    return true;
  }
  std::vector<std::string> records;
  bool is_psd = false;
  for (const std::string& text : (*answer)->records) {
    const auto record = wire::dmarc::parse_record(text);
    if (!record) continue;
    records.push_back(text);
    is_psd = record->psd == wire::dmarc::Psd::yes;
  }
  bool pending = false;
  // Several at one name are none. RFC 9989 4.10
  // A public suffix is told of no single message. RFC 9991 2
  if (records.size() == 1 && !(is_psd && kind_ == ReportKind::failure))
    for (const ReportUri& uri : report_uris(records.front(), kind_))
      pending |= judge(uri, lookups, found) == Step::pending;
  if (pending) return false;
  std::vector<ReportUri> distinct;
  for (ReportUri& uri : found.uris) {
    const auto is_there = [&](const ReportUri& each) { return each.address == uri.address; };
    if (distinct.size() < kMostUris && std::ranges::none_of(distinct, is_there))
      distinct.push_back(std::move(uri));
  }
  found.uris = std::move(distinct);
  found_ = std::move(found);
  return true;
}

}  // namespace postrider::reports
