// The certificates of the configuration, as files that change while the server runs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/access.hpp"
#include "config/config.hpp"
#include "net/tls_context.hpp"

namespace postrider::app {

// What is wrong with [tls], each with its place and mend; `warnings` too, where mail would flow all the same: a certificate
// that has expired, or none for the hostname. Blocking.
std::vector<config::Fault> tls_faults(const config::Config& config, bool warnings);

// On the main thread, but for server() and client(), which are for any.
class Certificates {
 public:
  // What keeps this process from a file, whatever the file's rights are: the fault to tell then.
  using Beyond = std::function<std::optional<config::Fault>(const Needed&)>;
  explicit Certificates(Beyond beyond);

  // At the start: the first fault, where there is one.
  base::Result<void> start(const config::Config& config);
  // After a reload of the configuration. A pair that can't be used is refused, with a line in the log; where it was in use as it
  // was before, that stays.
  void reload(const config::Config& config);
  // The same, where a file has changed since.
  void look(const config::Config& config);

  net::TlsServer& server() { return server_; }
  net::TlsClient& client() { return client_; }

  // Between two looks at the files.
  static constexpr std::chrono::seconds kLook{10};

 private:
  struct Pair {
    std::string state;  // of the files when they were read
    std::shared_ptr<const net::TlsCertificate> certificate;
  };
  void take(const config::Config& config, std::vector<config::Fault>& faults);
  config::Fault refused(const config::Config& config, const config::TlsCertificate& pair,
                        const net::TlsFault& found) const;
  config::Fault refused(const config::Config& config, const char* key, const std::string& file,
                        std::string what) const;
  std::string state_of_files(const config::Config& config) const;

  const Beyond beyond_;
  net::TlsServer server_;
  net::TlsClient client_;
  std::map<std::string, Pair> in_use_;  // by the names of the files
  std::string state_;                   // of all files at the last look
};

}  // namespace postrider::app
