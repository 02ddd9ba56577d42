// Reverse-path and forward-path, RFC 5321 4.1.2.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "mail/address.hpp"

namespace postrider::mail {

// Who is told when mail can't be delivered; or nobody: the null sender "<>" (RFC 5321 4.5.5).
class ReversePath {
 public:
  ReversePath() = default;  // the null sender
  explicit ReversePath(Address address) : address_(std::move(address)) {}

  bool is_null() const { return !address_; }
  // Requires !is_null().
  const Address& address() const { return *address_; }
  // Without angle brackets; empty for the null sender.
  std::string to_string() const { return address_ ? address_->to_string() : std::string(); }

  bool operator==(const ReversePath&) const = default;

 private:
  std::optional<Address> address_;
};

// "<postmaster>" without a domain: this host's postmaster, in any case. RFC 5321 4.1.1.3, 4.5.1
struct Postmaster {
  bool operator==(const Postmaster&) const = default;
};

using ForwardPath = std::variant<Address, Postmaster>;

}  // namespace postrider::mail
