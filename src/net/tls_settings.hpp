// What all our TLS contexts have in common.
#pragma once

#include "base/openssl.hpp"

namespace postrider::net {

// Mozilla's "intermediate", version 5.7, for TLS 1.2; TLS 1.3 has no others.
inline constexpr const char* kIntermediate =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";
inline constexpr const char* kGroups = "X25519:P-256:P-384";

// Aborts where OpenSSL can't: it is out of memory, or not the one that we were built for.
base::SslCtxPtr make_tls_context(const SSL_METHOD* method, const char* ciphers);
// The other's certificate is looked at, and never fails the handshake: SSL_get_verify_result() has the first fault.
void only_note_certificates(SSL_CTX* context);

}  // namespace postrider::net
