// Mailbox addresses as SMTP writes them in a path (RFC 5321 4.1.2): no comments, no folding, no display name.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "mail/domain.hpp"

namespace postrider::mail {

// What stands behind the "@": a domain, or an address literal ("[192.0.2.1]", "[IPv6:2001:db8::1]").
using Host = std::variant<Domain, base::IpAddress>;

std::string to_string(const Host& host);  // as written (U-labels stay)
std::string to_ascii(const Host& host);   // A-labels

// Always valid. Immutable; any thread.
class Address {
 public:
  // "alice@example.com", "\"a b\"@example.com", "alice@[192.0.2.1]". UTF-8 in the local part is accepted
  // (RFC 6531 3.3); whether the dialog allows it is the caller's matter: see is_ascii().
  // Limits: local part 64 octets as written, quotes and backslashes included (RFC 5321 4.5.3.1.1), unless it
  // is_rewritten(); domain 255, the whole 254, with U-labels as with A-labels. Failure: permanent; x.1.3 for
  // syntax, x.1.2 for a bad domain. The caller knows sender from recipient.
  static base::Result<Address> parse(std::string_view text);
  // From parts that are known good; `local` is unquoted.
  static base::Result<Address> make(std::string_view local, Host host);

  // Unquoted: the local part's meaning, not its spelling. Case is kept. RFC 5321 2.4
  const std::string& local() const { return local_; }
  const Host& host() const { return host_; }
  // Null for an address literal.
  const Domain* domain() const { return std::get_if<Domain>(&host_); }

  // No UTF-8 in the local part: with A-labels it can be sent without SMTPUTF8.
  bool is_ascii() const;
  // As SMTP writes it, quoted where it must be; the domain as it came, or in A-labels.
  std::string to_string() const;
  std::string to_ascii() const;

  // Local parts byte by byte, domains as A-labels.
  bool operator==(const Address&) const = default;
  auto operator<=>(const Address&) const = default;

 private:
  Address(std::string local, Host host) : local_(std::move(local)), host_(std::move(host)) {}
  std::string local_;
  Host host_;
};

// "SRS0=...", "SRS1=...": a forwarder made it of another address, which stands in it (wire/srs). So it may be longer than a
// local part should be: every forwarder sends such, and to refuse them would be to refuse their mail.
bool is_rewritten(std::string_view local);

// A local part as SMTP writes it: dot-string, or quoted where it must be. RFC 5321 4.1.2
std::string quote_local(std::string_view local);

}  // namespace postrider::mail
