#include "store/wanted.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::store {
namespace {

// Of a domain or an address literal; nothing where it is neither.
std::optional<std::string> host_of(std::string_view text) {
  const auto address = mail::Address::parse("x@" + std::string(text));
  if (!address) return {};
  return mail::to_ascii(address->host());
}

}  // namespace

base::Result<AddressMatch> AddressMatch::parse(std::string_view text) {
  AddressMatch match;
  if (text.contains('@')) {
    const auto address = mail::Address::parse(text);
    if (!address) return std::unexpected(address.error());
    match.local_ = address->local();
    match.host_ = mail::to_ascii(address->host());
    return match;
  }
  match.subdomains_ = text.starts_with('.');
  const auto host = host_of(text.substr(match.subdomains_ ? 1 : 0));
  if (!host) return base::permanent({5, 1, 3}, "neither an address nor a domain: " + std::string(text));
  match.host_ = match.subdomains_ ? '.' + *host : *host;
  return match;
}

bool AddressMatch::matches(const mail::Address& address) const {
  if (local_ && !base::iequals(*local_, address.local())) return false;
  const std::string host = mail::to_ascii(address.host());
  return subdomains_ ? host.ends_with(host_) : host == host_;
}

base::Result<Wanted> Wanted::make(const Selection& selection, base::UtcTime now) {
  Wanted wanted;
  wanted.null_sender_ = selection.sender == "<>" || selection.sender == "";
  if (selection.sender && !wanted.null_sender_) {
    auto match = AddressMatch::parse(*selection.sender);
    if (!match) return std::unexpected(match.error());
    wanted.sender_ = std::move(*match);
  }
  if (selection.recipient) {
    auto match = AddressMatch::parse(*selection.recipient);
    if (!match) return std::unexpected(match.error());
    wanted.recipient_ = std::move(*match);
  }
  for (const std::string& destination : selection.destinations) {
    const auto host = host_of(destination);
    if (!host) return base::permanent({5, 1, 3}, "not a domain: " + destination);
    wanted.destinations_.push_back(*host);
  }
  std::ranges::sort(wanted.destinations_);
  if (selection.older_than) wanted.before_ = now - *selection.older_than;
  if (selection.younger_than) wanted.after_ = now - *selection.younger_than;
  wanted.state_ = selection.state;
  return wanted;
}

bool Wanted::row(std::int64_t state, std::string_view destination) const {
  if (state_ && static_cast<std::int64_t>(*state_) != state) return false;
  return destinations_.empty() || std::ranges::binary_search(destinations_, destination);
}

bool Wanted::envelope(const mail::Envelope& envelope) const {
  if (null_sender_ && !envelope.reverse_path.is_null()) return false;
  if (sender_ && (envelope.reverse_path.is_null() || !sender_->matches(envelope.reverse_path.address())))
    return false;
  if (before_ && envelope.received >= *before_) return false;
  return !after_ || envelope.received > *after_;
}

bool Wanted::recipient(const mail::Recipient& recipient) const {
  if (!recipient_) return true;
  return recipient_->matches(recipient.original) || recipient_->matches(recipient.final) ||
         (recipient.alias && recipient_->matches(*recipient.alias));
}

}  // namespace postrider::store
