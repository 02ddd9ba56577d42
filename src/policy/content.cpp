#include "policy/content.hpp"

#include <unordered_set>

#include "base/ascii.hpp"
#include "wire/mime/header_fields.hpp"

namespace postrider::policy {
namespace {

// One spelling for each mailbox. Local parts are compared without regard to case, as our own are: a loop that
// is seen too early costs less than one that is not seen.
std::string key(const mail::Address& address) {
  return base::lower(address.local()) + '@' + mail::to_ascii(address.host());
}

// What Delivered-To names; nothing where it is no address. Ours are written without angle brackets.
std::optional<std::string> delivered_to(std::string_view raw_value) {
  const std::string value = wire::mime::unfold(raw_value);
  const auto address = mail::Address::parse(base::trim(value));
  if (!address) return {};
  return key(*address);
}

}  // namespace

ContentVerdict judge_content(const config::Config& config, const mail::Envelope& envelope,
                             std::string_view header) {
  ContentVerdict verdict;
  verdict.recipients.resize(envelope.recipients.size());
  std::size_t hops = 0;
  std::unordered_set<std::string> delivered;
  for (wire::mime::FieldScanner scan(header); const auto field = scan.next();) {
    if (base::iequals(field->name, "Received")) ++hops;
    if (!base::iequals(field->name, "Delivered-To")) continue;
    if (auto name = delivered_to(field->value)) delivered.insert(*std::move(name));
  }
  // RFC 5321 6.3
  if (hops > config.limits.received_fields) {
    verdict.refusal = mail::reply(554, 4, 6, "too many hops: the mail goes in a circle");
    return verdict;
  }
  if (delivered.empty()) return verdict;
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i)
    if (delivered.contains(key(envelope.recipients[i].final)))
      verdict.recipients[i] =
          mail::reply(554, 4, 6, "the mail has been delivered to this mailbox: it goes in a circle");
  return verdict;
}

}  // namespace postrider::policy
