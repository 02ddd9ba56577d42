// A certificate with its chain and its key, read from PEM files.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace postrider::net {

struct TlsFiles {
  std::filesystem::path certificate;  // the server's own first, then those between it and the root
  std::filesystem::path key;
  bool operator==(const TlsFiles&) const = default;
};

// Why a pair can't be used, or should not.
struct TlsFault {
  enum class Of : std::uint8_t { certificate, key };
  Of of = Of::certificate;
  std::string what;
  std::string mend;
};

// Immutable. Any thread.
class TlsCertificate {
 public:
  // Blocking. Each file at most 1 MiB; keys RSA (2,048 bits at least) or ECDSA, without a password. What has expired, or
  // is not yet valid, is taken all the same: see fault_at().
  static std::expected<std::shared_ptr<const TlsCertificate>, TlsFault> read(const TlsFiles& files);

  // DNS names, lower case, "*.example.net" among them.
  const std::vector<std::string>& names() const { return names_; }
  // By RFC 9525 6.3: "*" stands for one label.
  bool is_for(std::string_view host) const;
  // "RSA", "EC": a server can have one of each for a name.
  const std::string& kind() const { return kind_; }
  base::UtcTime not_after() const { return not_after_; }
  // Words where it is not valid at that time; else empty.
  std::string fault_at(base::UtcTime now) const;
  // Gives it to a context: certificate, chain and key.
  bool use_in(SSL_CTX* context) const;

 private:
  TlsCertificate() = default;
  std::vector<std::shared_ptr<X509>> chain_;  // its own first
  std::shared_ptr<EVP_PKEY> key_;
  std::vector<std::string> names_;
  std::string kind_;
  base::UtcTime not_before_{};
  base::UtcTime not_after_{};
};

// Changes when one of the files does: places, sizes and times.
std::string state_of(const TlsFiles& files);

}  // namespace postrider::net
