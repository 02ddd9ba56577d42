// Vouches for mail of strangers that an alias of ours sends on: what was found out about it when it came. RFC 8617 5.1
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "directory/directory.hpp"
#include "mail/envelope.hpp"
#include "policy/signing_keys.hpp"

namespace postrider::policy {

// An alias leads some of it to a domain that is not ours.
bool is_sent_on(const mail::Envelope& envelope, const directory::Directory& directory);

struct SealedMail {
  std::vector<std::string> fields;  // each whole with its CRLF; what comes later stands above
  std::string why;                  // for the timeline: "sealed for example.com with s=a, arc=none"
};

// `header`: the header section as it goes out, our Authentication-Results in it; of others that claim to be ours it is free.
// `body_hash`: of the whole body, relaxed. Sealed for the domain of `hostname`, or the nearest above it with keys, by one key:
// RSA where there is one, since few know another. Not sealed, with the reason, where nothing was checked, where the chain has
// failed (nobody would believe the seal) or is full, or without a key. Any thread; takes as long as one signature does.
SealedMail seal_mail(const mail::Domain& hostname, const SigningKeys& keys, std::string_view header,
                     const wire::dkim::Digest& body_hash, base::UtcTime now);

}  // namespace postrider::policy
