// What was negotiated, and whom the other side showed itself to be. Plain values.
#pragma once

#include <string>
#include <vector>

namespace postrider::net {

// A certificate as the other side presented it.
struct PeerCertificate {
  std::string subject;              // "CN = client.example", as RFC 2253 has it; at most 256 octets
  std::vector<std::string> names;   // DNS names; at most 100
  std::vector<std::string> emails;  // at most 100
  std::string fingerprint;          // SHA-256, lower-case hexadecimal
  std::string not_after;            // "2026-11-26T05:00:00Z"
  bool trusted = false;             // it leads to an authority that we trust, and its time has not passed
  std::string distrust;             // why it is not trusted: "certificate has expired"
};

struct TlsFacts {
  std::string version;      // "TLSv1.3"
  std::string cipher;       // as the IANA calls it: "TLS_AES_256_GCM_SHA384"
  std::string server_name;  // SNI; empty: none
  bool resumed = false;
  bool has_peer = false;  // `peer` is filled
  PeerCertificate peer;

  // "TLSv1.3 TLS_AES_256_GCM_SHA384": what envelopes, the timeline and logs have.
  std::string to_string() const { return version + ' ' + cipher; }
};

}  // namespace postrider::net
