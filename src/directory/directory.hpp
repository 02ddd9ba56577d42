// Who exists here: domains, mailboxes, aliases. One small interface; today the configuration answers, later a
// database behind the same calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "mail/address.hpp"

namespace postrider::directory {

enum class Standing : std::uint8_t {
  local,    // a mailbox, an alias or a catch-all of ours: see targets
  relay,    // in a domain that we relay for, and known to exist
  ask,      // in a domain that we relay for, without a list: the next hop knows
  unknown,  // in a domain of ours, and nobody: 550 5.1.1
  foreign,  // not in a domain of ours
};

struct Target {
  mail::Address address;               // where it goes; user+detail stays as it came
  std::optional<mail::Address> alias;  // the last alias (or catch-all) of ours that led there, if one did
  bool mailbox = false;                // a mailbox here
};

struct Resolution {
  Standing standing = Standing::foreign;
  std::vector<Target> targets;  // local: at least one, no two the same; else the address itself, or none
};

struct Mailbox {
  mail::Domain domain;
  std::string user;         // the account, lower case, without detail; safe as a path segment
  std::string detail;       // "lists" of alice+lists; may be empty
  std::uint64_t quota = 0;  // octets; 0: none
};

// Any thread; never blocks. A temporary Failure means "ask again later" (451).
class Directory {
 public:
  virtual ~Directory() = default;

  // Aliases are followed to their ends (bounds: 10 deep, 1,000 targets; above: permanent 5.4.6 / 5.5.3).
  // An alias of ours that leads to nobody, as the other domain has changed: temporary 4.3.5.
  // postmaster and abuse exist in every domain of ours (RFC 5321 4.5.1, RFC 2142 4); postmaster also at our
  // host name and at the address literals that a listener is bound to (not those behind "0.0.0.0" or "[::]",
  // which only the operating system knows).
  virtual base::Result<Resolution> resolve(const mail::Address& address) const = 0;
  // This host's postmaster, for RCPT TO:<postmaster>.
  virtual base::Result<Resolution> postmaster() const = 0;
  // The mailbox that `address`, a Target's, is delivered to; nothing where it is not, or is no longer, one of
  // ours. Aliases are not followed.
  virtual std::optional<Mailbox> mailbox(const mail::Address& address) const = 0;
};

// Answers from one configuration snapshot.
std::unique_ptr<Directory> from_config(std::shared_ptr<const config::Config> config);

}  // namespace postrider::directory
