// Certificates for tests, made when they are needed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/temporary_folder.hpp"
#include "net/tls_certificate.hpp"

namespace postrider::net::testing {

enum class KeyKind : std::uint8_t { ec, rsa };

// Self-signed, for these DNS names, valid from `from` to `until` seconds from now.
struct Wanted {
  std::vector<std::string> names = {"mx.test"};
  KeyKind kind = KeyKind::ec;
  long from = -3600;
  long until = 3600;
};

struct Pem {
  std::string certificate, key;
};
Pem make_certificate(const Wanted& wanted = {});

// A private folder with files that go with it.
class Folder {
 public:
  std::filesystem::path write(const std::string& name, const std::string& text) const;
  // name.pem and name.key
  TlsFiles write(const std::string& name, const Pem& pem) const;

 private:
  base::testing::TemporaryFolder folder_;
};

// Read back as the server does it; aborts where that fails.
std::shared_ptr<const TlsCertificate> certificate(const Wanted& wanted = {});

}  // namespace postrider::net::testing
