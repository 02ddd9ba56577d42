#include "policy/forwarding.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "directory/scram.hpp"

namespace postrider::policy {
namespace {

namespace srs = wire::srs;

srs::Mac mac_of(const directory::SrsSecret& secret) {
  return [&secret](std::string_view text) { return directory::hmac_sha256(secret.octets, text); };
}

std::unexpected<base::Failure> refused(std::string why) { return base::permanent({5, 1, 1}, std::move(why)); }

}  // namespace

bool Forwarding::is_ours(const mail::Domain& domain, const directory::Directory& directory) const {
  return directory.is_local(domain) || domain == config_->hostname || config_->srs.domain == domain;
}

std::optional<mail::Domain> Forwarding::forwarder_for(const directory::Target& target,
                                                      const directory::Directory& directory) const {
  if (!config_->srs.rewrite || !target.alias || target.mailbox) return {};
  // Domains that we relay for trust this server.
  const auto found = directory.resolve(target.address);
  if (!found || found->standing != directory::Standing::foreign) return {};
  if (config_->srs.domain) return config_->srs.domain;
  return target.alias->domain() ? *target.alias->domain() : config_->hostname;
}

Forwarding::Sender Forwarding::sender_for(const mail::ReversePath& sender, const directory::Target& target,
                                          const directory::Directory& directory) const {
  // The null sender stays null, so that what is returned is never returned. RFC 5321 4.5.5
  if (sender.is_null() || secrets_.empty()) return {};
  const auto* from = sender.address().domain();
  if (from && is_ours(*from, directory)) return {};
  const auto forwarder = forwarder_for(target, directory);
  if (!forwarder) return {};
  auto made = srs::rewrite(sender.address(), *forwarder, srs::day_of(clock_.utc()), mac_of(secrets_.front()));
  if (!made) return {{}, "forwarding: this sender can't be rewritten, and stays"};
  // It has been here before: then the address that we made at first serves again.
  const auto chained = srs::read(*made);
  if (chained && chained->chained && is_ours(*chained->leads_to.domain(), directory))
    made = chained->leads_to;
  return {std::move(*made), "forwarding: the sender is rewritten"};
}

bool Forwarding::may_have_made(const mail::Address& address, const directory::Directory& directory) const {
  return address.domain() && mail::is_rewritten(address.local()) && address.local()[4] == '=' &&
         is_ours(*address.domain(), directory);
}

base::Result<mail::Address> Forwarding::original(const mail::Address& address) const {
  const auto said = srs::read(address);
  const auto name = '<' + base::printable(address.to_ascii()) + ">: ";
  const auto is_its = [&](const auto& secret) { return srs::is_made_by(*said, mac_of(secret)); };
  if (!said || std::ranges::none_of(secrets_, is_its))
    return refused(name + "this server made no such address for mail that it sent on");
  const auto good_for = std::chrono::floor<std::chrono::days>(config_->srs.max_age).count();
  if (srs::days_since(said->day, srs::day_of(clock_.utc())) > static_cast<unsigned long>(good_for))
    return refused(name + "this address was good for " + std::to_string(good_for) + " days, and is too old");
  return said->leads_to;
}

base::Result<directory::Resolution> Forwarding::resolve(const mail::Address& address,
                                                        const directory::Directory& directory) const {
  if (!may_have_made(address, directory)) return directory.resolve(address);
  auto sender = original(address);
  // A first forwarder's address, whose domain has become ours. What is behind that is a sender, whatever he looks like.
  if (sender && may_have_made(*sender, directory)) sender = original(*sender);
  if (!sender) return std::unexpected(std::move(sender.error()));
  auto found = directory.resolve(*sender);
  if (!found) return found;
  using directory::Standing;
  if (found->standing != Standing::local && found->standing != Standing::foreign) return found;
  found->standing = Standing::returning;
  for (auto& target : found->targets)
    if (!target.alias) target.alias = address;
  return found;
}

}  // namespace postrider::policy
