#include "net/tls_counts.hpp"

#include <algorithm>

namespace postrider::net {
namespace {

const std::vector<std::string>& versions() {
  static const std::vector<std::string> all = {"TLSv1.3", "TLSv1.2", "other"};
  return all;
}

// Those of tls_settings.hpp that are offered to others, and "other".
const std::vector<std::string>& ciphers() {
  static const std::vector<std::string> all = {"TLS_AES_128_GCM_SHA256",
                                               "TLS_AES_256_GCM_SHA384",
                                               "TLS_CHACHA20_POLY1305_SHA256",
                                               "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                               "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                               "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                               "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                               "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                               "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                                               "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
                                               "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
                                               "other"};
  return all;
}

// The last is what no other is.
std::size_t place_in(const std::vector<std::string>& all, const std::string& value) {
  const auto found = std::ranges::find(all, value);
  return static_cast<std::size_t>(std::min(found, all.end() - 1) - all.begin());
}

}  // namespace

TlsCounts::TlsCounts(const std::string& prefix)
    : sessions_(prefix + "_total", "TLS handshakes that succeeded.", {{"version", versions()}}),
      ciphers_(prefix + "_ciphers_total", "The same by cipher suite.", {{"cipher", ciphers()}}),
      resumed_(prefix + "_resumed_total", "Of these, those that resumed an earlier session."),
      failed_(prefix + "_failed_total", "TLS handshakes that failed.") {}

void TlsCounts::established(const TlsFacts& facts) {
  sessions_.count(place_in(versions(), facts.version));
  ciphers_.count(place_in(ciphers(), facts.cipher));
  if (facts.resumed) resumed_.count();
}

}  // namespace postrider::net
