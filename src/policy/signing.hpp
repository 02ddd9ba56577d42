// By which of our domains a message is signed (DKIM). RFC 6376 5
//
// Signed is mail of our own users: of who has logged in, of a program on this machine, of a listed network, and what we write
// ourselves. The domain is that of From, where it has keys (or the nearest above it that has), so that the signature is aligned
// with what a reader sees. Mail of strangers that goes on by an alias is not signed: its own signatures hold, as nothing in it is
// touched, and what a stranger wrote is not ours to vouch for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "policy/signing_keys.hpp"

namespace postrider::policy {

// Whether mail that came from there is our users' or our own. Never what LMTP brings: it has been delivered to us.
bool is_our_mail(const config::Config& config, const mail::Origin& origin);

struct SignedMail {
  enum class Result : std::uint8_t { made, no_key, no_author };
  Result result = Result::no_key;
  std::vector<std::string> fields;  // DKIM-Signature, each whole with its CRLF
  std::string why;                  // for the timeline: "signed for example.com with s=a, s=b"
};

// Requires is_our_mail(). `header`: the header section as it goes out, but for Received; `body_hash`: of the whole body, relaxed.
// RSA-2048 takes some 0.6 ms, Ed25519 0.05 ms; a message has a signature by each key of each author's domain. Any thread.
SignedMail sign_mail(const config::Config& config, const SigningKeys& keys, const mail::Envelope& envelope,
                     std::string_view header, const wire::dkim::Digest& body_hash);

}  // namespace postrider::policy
