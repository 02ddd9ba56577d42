#include "policy/arc_sealing.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"
#include "wire/arc/seal.hpp"

namespace postrider::policy {
namespace {

namespace arc = wire::arc;
namespace authres = wire::authres;

std::optional<authres::AuthenticationResults> own_results(const wire::dkim::HeaderIndex& header,
                                                          const mail::Domain& hostname) {
  for (const auto& field : header.fields()) {
    if (!base::iequals(field.name, "Authentication-Results")) continue;
    auto results = authres::parse(field.value);
    if (results && base::iequals(results->authserv_id, hostname.ascii())) return *std::move(results);
  }
  return {};
}

// What it says of the chain; nothing: that was not looked at.
std::optional<arc::Status> chain_status(const authres::AuthenticationResults& results) {
  const auto found = std::ranges::find(results.results, "arc", &authres::MethodResult::method);
  if (found == results.results.end()) return {};
  for (const auto status : {arc::Status::none, arc::Status::pass})
    if (found->result == to_string(status)) return status;
  return arc::Status::fail;
}

const wire::dkim::SigningKey& best_of(const SigningKeys::Keys& keys) {
  const auto rsa = std::ranges::find_if(
      keys, [](const auto& one) { return one.key.algorithm() == wire::dkim::Algorithm::rsa_sha256; });
  return rsa == keys.end() ? keys.front() : *rsa;
}

}  // namespace

bool is_sent_on(const mail::Envelope& envelope, const directory::Directory& directory) {
  return std::ranges::any_of(envelope.recipients, [&directory](const mail::Recipient& one) {
    const mail::Domain* domain = one.final.domain();
    return one.alias && !(domain && directory.is_local(*domain));
  });
}

SealedMail seal_mail(const mail::Domain& hostname, const SigningKeys& keys, std::string_view header,
                     const wire::dkim::Digest& body_hash, base::UtcTime now) {
  const auto not_sealed = [](const std::string& why) { return SealedMail{{}, "not sealed: " + why}; };
  const auto* own = keys.of(hostname);
  if (!own || own->empty()) return not_sealed(hostname.ascii() + " has no key here");
  const wire::dkim::HeaderIndex index(header);
  auto results = own_results(index, hostname);
  const auto status = results ? chain_status(*results) : std::nullopt;
  if (!status) return not_sealed("who sent it was not checked");
  if (*status == arc::Status::fail) return not_sealed("its chain of seals has failed");
  const auto& key = best_of(*own);
  auto set = arc::seal(
      index, arc::read_chain(index), body_hash, key,
      {.results = *std::move(results), .chain = *status, .fields = arc::fields_to_seal(index), .now = now});
  if (!set) return not_sealed("its chain of seals is full");
  return {{std::move(set->results), std::move(set->signature), std::move(set->seal)},
          "sealed for " + key.domain.ascii() + " with s=" + key.selector +
              ", arc=" + std::string(to_string(*status))};
}

}  // namespace postrider::policy
