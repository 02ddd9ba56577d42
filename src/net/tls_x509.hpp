// Reads single things out of an X.509 certificate.
#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

#include "base/time.hpp"
#include "net/tls_facts.hpp"

namespace postrider::net {

// From subjectAltName, at most 100 of a kind, without those that hold a NUL or are longer than 255 octets. DNS names in
// lower case.
std::vector<std::string> dns_names_of(X509* certificate);
std::vector<std::string> emails_of(X509* certificate);
base::UtcTime not_before_of(X509* certificate);
base::UtcTime not_after_of(X509* certificate);
std::string subject_of(X509* certificate);
// SHA-256, lower-case hexadecimal.
std::string fingerprint_of(X509* certificate);
// "RSA 2048", "EC 256"
std::string key_of(X509* certificate);
// All but what is thought of it.
PeerCertificate describe(X509* certificate);

}  // namespace postrider::net
