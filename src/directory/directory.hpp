// Who exists here: domains, mailboxes, aliases. One small interface, answered from memory: from the
// configuration and from a snapshot of the database (registry.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "directory/records.hpp"
#include "directory/snapshot.hpp"
#include "mail/address.hpp"

namespace postrider::directory {

enum class Standing : std::uint8_t {
  local,      // a mailbox, an alias or a catch-all of ours: see targets
  relay,      // in a domain that we relay for, and known to exist
  ask,        // in a domain that we relay for, without a list: the next hop knows
  unknown,    // in a domain of ours, and nobody: 550 5.1.1
  foreign,    // not in a domain of ours
  returning,  // made for a sender whose mail we sent on, who is among the targets (policy/forwarding)
};

struct Target {
  mail::Address address;               // where it goes; user+detail stays as it came
  std::optional<mail::Address> alias;  // the last alias (or catch-all) of ours that led there, if one did
  bool mailbox = false;                // a mailbox here
};

struct Resolution {
  Standing standing = Standing::foreign;
  std::vector<Target>
      targets;  // local, returning: at least one, no two the same; else the address itself, or none
};

struct Mailbox {
  mail::Domain domain;
  std::string user;         // the account, lower case, without detail; safe as a path segment
  std::string detail;       // "lists" of alice+lists; may be empty
  std::uint64_t quota = 0;  // octets; 0: none
};

enum class SendAs : std::uint8_t { no, own, anothers };

// Any thread; never blocks. A temporary Failure means "ask again later" (451).
class Directory {
 public:
  virtual ~Directory() = default;

  // Aliases are followed to their ends (bounds: 10 deep, 1,000 targets; above: permanent 5.4.6 / 5.5.3).
  // What is disabled is refused: permanent 5.2.1. Behind an alias it is left out, as long as somebody is left.
  // An alias of ours that leads to nobody, as the other domain has changed: temporary 4.3.5.
  // postmaster and abuse exist in every domain of ours (RFC 5321 4.5.1, RFC 2142 4); postmaster also at our
  // host name and at the address literals that a listener is bound to (not those behind "0.0.0.0" or "[::]",
  // which only the operating system knows).
  virtual base::Result<Resolution> resolve(const mail::Address& address) const = 0;
  // This host's postmaster, for RCPT TO:<postmaster>.
  virtual base::Result<Resolution> postmaster() const = 0;
  // The mailbox that `address`, a Target's, is delivered to; nothing where it is not, or is no longer, one of
  // ours. Aliases are not followed. Also of an account that was disabled since: its mail has been accepted.
  virtual std::optional<Mailbox> mailbox(const mail::Address& address) const = 0;
  // Whether its mailboxes are here.
  virtual bool is_local(const mail::Domain& domain) const = 0;

  // The account of exactly this address (no detail, no alias). Its `send_as`, limits and state are for whoever judges
  // what it sends. Users of the configuration are accounts without limits. Lives as long as the directory.
  virtual const Account* account(const mail::Address& address) const = 0;
  // May `account` (its address) send as `address`? Its own are its address, also with a detail, and any address of
  // ours that leads to its mailbox and to nobody else (aliases of aliases, a catch-all, postmaster). Another's is what
  // its send_as lists. Not an alias with several targets: others would get the answers too, and the name is theirs as
  // well; send_as can allow that.
  virtual SendAs may_send_as(const mail::Address& account, const mail::Address& address) const = 0;
  // Those addresses that can be listed: its own, the aliases that lead only to it, then send_as
  // ("@example.com": all of a domain). Walks through all aliases: not for each message.
  virtual std::vector<std::string> addresses_of(const mail::Address& account) const = 0;
};

// Answers from one configuration and one snapshot (null: none). A domain that both have is the configuration's.
std::unique_ptr<Directory> make_directory(std::shared_ptr<const config::Config> config,
                                          std::shared_ptr<const Snapshot> snapshot);
// From the configuration alone.
std::unique_ptr<Directory> from_config(std::shared_ptr<const config::Config> config);

}  // namespace postrider::directory
