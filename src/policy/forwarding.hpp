// Mail that goes on to another domain by an alias of ours: under which sender, and where what comes back to him goes.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "config/config.hpp"
#include "directory/directory.hpp"
#include "directory/srs_secrets.hpp"
#include "mail/path.hpp"
#include "sys/clock.hpp"
#include "wire/srs/srs.hpp"

namespace postrider::policy {

// By one configuration and one set of secrets. Immutable; any thread, never blocks.
class Forwarding {
 public:
  // No secrets: nothing is rewritten, and no address known again. The clock outlives it.
  Forwarding(std::shared_ptr<const config::Config> config, directory::SrsSecrets secrets, sys::Clock& clock)
      : config_(std::move(config)), secrets_(std::move(secrets)), clock_(clock) {}

  struct Sender {
    std::optional<mail::Address> address;  // nothing: as it came
    std::string_view why;                  // for the timeline; lives for ever. Empty: there is nothing to say
  };
  // As whose mail from `sender` goes on to `target`: rewritten where that is in nobody's domain of ours and an alias led there,
  // unless the sender is null or ours.
  Sender sender_for(const mail::ReversePath& sender, const directory::Target& target,
                    const directory::Directory& directory) const;

  // At which domain the address is made for what goes on to `target`; nothing: that keeps its sender, whoever he is.
  std::optional<mail::Domain> forwarder_for(const directory::Target& target,
                                            const directory::Directory& directory) const;

  // Made, or made to look as made, by sender_for(): "SRS0=..." or "SRS1=..." at a domain that is ours.
  bool may_have_made(const mail::Address& address, const directory::Directory& directory) const;
  // As Directory::resolve(), of all addresses: those that sender_for() made have the standing `returning`, and lead to the
  // sender (where he is one of ours by now, wherever he is found). Permanent 5.1.1: it was made up, or is too old.
  base::Result<directory::Resolution> resolve(const mail::Address& address,
                                              const directory::Directory& directory) const;

  const directory::SrsSecrets& secrets() const { return secrets_; }

 private:
  bool is_ours(const mail::Domain& domain, const directory::Directory& directory) const;
  base::Result<mail::Address> original(const mail::Address& address) const;

  std::shared_ptr<const config::Config> config_;
  directory::SrsSecrets secrets_;
  sys::Clock& clock_;
};

}  // namespace postrider::policy
