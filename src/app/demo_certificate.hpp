// The demo's own certificate authority, and a certificate of it for demo.test and localhost.
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace postrider::app {

struct DemoFiles {
  std::filesystem::path authority;  // what a client is to trust
  std::filesystem::path certificate;
  std::filesystem::path key;  // mode 0600
};
inline DemoFiles demo_files(const std::filesystem::path& folder) {
  return {folder / "ca.pem", folder / "certificate.pem", folder / "key.pem"};
}

// Makes all three where one is missing, or the certificate ends within 30 days: valid for two years. The authority's own key is
// kept nowhere, so that what trusts it can't be deceived by it later. Failure: permanent, says which file could not be written.
base::Result<void> make_demo_certificate(const std::filesystem::path& folder);

}  // namespace postrider::app
