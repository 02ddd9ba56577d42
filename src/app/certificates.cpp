#include "app/certificates.hpp"

#include <algorithm>

#include "sys/clock.hpp"
#include "sys/log.hpp"
#include "sys/random.hpp"

namespace postrider::app {
namespace {

net::TlsFiles files_of(const config::TlsCertificate& pair) { return {pair.certificate, pair.key}; }

std::string key_of(const config::TlsCertificate& pair) {
  return pair.certificate.string() + '\n' + pair.key.string();
}

config::Fault fault_of(const config::Config& config, const config::TlsCertificate& pair,
                       const net::TlsFault& found) {
  const bool key = found.of == net::TlsFault::Of::key;
  return {.file = config.file,
          .line = key ? pair.key_line : pair.line,
          .column = key ? pair.key_column : pair.column,
          .what = found.what,
          .mend = found.mend};
}

config::Fault unusable(const config::Config& config, std::string what) {
  return {config.file, 0, 0, std::move(what), "it must be a PEM file that the server's user may read"};
}

// What makes clients turn away, though it works.
void warn(const config::Config& config, const config::TlsCertificate& pair, const net::TlsCertificate& read,
          std::vector<config::Fault>& warnings) {
  const std::string name = pair.certificate.string();
  if (const auto age = read.fault_at(sys::system_clock().utc()); !age.empty())
    warnings.push_back(fault_of(config, pair, {.of = {}, .what = name + ": " + age, .mend = "renew it"}));
  if (read.names().empty())
    warnings.push_back(
        fault_of(config, pair,
                 {.of = {},
                  .what = name + " is for no DNS name",
                  .mend = "get one with a subjectAltName, such as DNS:" + config.hostname.ascii()}));
}

bool wants_tls(const config::Config& config) {
  return std::ranges::any_of(config.listeners,
                             [](const auto& one) { return one.tls != config::ListenerTls::none; });
}

void warn_of_hostname(const config::Config& config,
                      const std::vector<std::shared_ptr<const net::TlsCertificate>>& all,
                      std::vector<config::Fault>& warnings) {
  const auto& host = config.hostname.ascii();
  const bool is_named = std::ranges::any_of(all, [&](const auto& one) { return one->is_for(host); });
  if (all.empty() || is_named || !wants_tls(config)) return;
  warnings.push_back(fault_of(config, config.tls.certificates.front(),
                              {.of = {},
                               .what = "no certificate is for the hostname, " + host,
                               .mend = "get one that has DNS:" + host + " in its subjectAltName"}));
}

}  // namespace

std::vector<config::Fault> tls_faults(const config::Config& config, bool warnings) {
  std::vector<config::Fault> faults;
  std::vector<config::Fault> less;
  net::TlsServerOptions options{
      .certificates = {}, .hostname = config.hostname.ascii(), .client_ca = config.tls.client_ca};
  for (const auto& pair : config.tls.certificates) {
    const auto read = net::TlsCertificate::read(files_of(pair));
    if (!read) {
      faults.push_back(fault_of(config, pair, read.error()));
      continue;
    }
    warn(config, pair, **read, less);
    options.certificates.push_back(*read);
  }
  if (faults.empty()) warn_of_hostname(config, options.certificates, less);
  if (!options.certificates.empty()) {
    net::TlsServer server(sys::system_clock(), sys::system_random());
    if (const auto used = server.use(options); !used) faults.push_back(unusable(config, used.error()));
  }
  if (!config.delivery.tls_ca.empty()) {
    net::TlsClient client;
    if (const auto trusted = client.trust(config.delivery.tls_ca); !trusted)
      faults.push_back(unusable(config, trusted.error()));
  }
  if (warnings) faults.insert(faults.end(), less.begin(), less.end());
  return faults;
}

Certificates::Certificates(Beyond beyond)
    : beyond_(std::move(beyond)), server_(sys::system_clock(), sys::system_random()) {}

base::Result<void> Certificates::start(const config::Config& config) {
  std::vector<config::Fault> faults;
  take(config, faults);
  if (faults.empty()) return {};
  return base::permanent({5, 3, 5}, faults.front().to_string());
}

config::Fault Certificates::refused(const config::Config& config, const config::TlsCertificate& pair,
                                    const net::TlsFault& found) const {
  const auto fault = fault_of(config, pair, found);
  const bool key = found.of == net::TlsFault::Of::key;
  return beyond_({.path = key ? pair.key : pair.certificate,
                  .use = Use::read,
                  .key = key ? "tls.key" : "tls.certificate",
                  .line = fault.line,
                  .column = fault.column})
      .value_or(fault);
}

config::Fault Certificates::refused(const config::Config& config, const char* key, const std::string& file,
                                    std::string what) const {
  const config::Fault fault = unusable(config, std::move(what));
  return file.empty() ? fault : beyond_({.path = file, .use = Use::read, .key = key}).value_or(fault);
}

void Certificates::reload(const config::Config& config) {
  std::vector<config::Fault> faults;
  take(config, faults);
  for (const auto& each : faults) sys::log::error("tls_certificate_refused", {{"fault", each.to_string()}});
}

void Certificates::look(const config::Config& config) {
  if (state_of_files(config) != state_) reload(config);
}

std::string Certificates::state_of_files(const config::Config& config) const {
  std::string state;
  for (const auto& pair : config.tls.certificates) state += net::state_of(files_of(pair));
  for (const auto& file : {config.tls.client_ca, config.delivery.tls_ca})
    if (!file.empty()) state += net::state_of({file, file});
  return state;
}

void Certificates::take(const config::Config& config, std::vector<config::Fault>& faults) {
  // Before they are read: what changes meanwhile is seen at the next look.
  state_ = state_of_files(config);
  std::map<std::string, Pair> next;
  std::vector<config::Fault> warnings;
  std::vector<std::string> fresh;  // keys of `next`
  net::TlsServerOptions options{
      .certificates = {}, .hostname = config.hostname.ascii(), .client_ca = config.tls.client_ca};
  for (const auto& pair : config.tls.certificates) {
    const std::string key = key_of(pair);
    Pair now{net::state_of(files_of(pair)), nullptr};
    const auto before = in_use_.find(key);
    auto read = net::TlsCertificate::read(files_of(pair));
    if (read) {
      now.certificate = *std::move(read);
      const bool is_new = before == in_use_.end() || before->second.state != now.state;
      if (is_new) {
        warn(config, pair, *now.certificate, warnings);
        fresh.push_back(key);
      }
    } else {
      faults.push_back(refused(config, pair, read.error()));
      if (before == in_use_.end()) continue;
      now = before->second;
    }
    options.certificates.push_back(now.certificate);
    next.insert_or_assign(key, std::move(now));
  }
  warn_of_hostname(config, options.certificates, warnings);
  for (const auto& each : warnings) sys::log::warning("tls_certificate", {{"fault", each.to_string()}});
  if (const auto trusted = client_.trust(config.delivery.tls_ca); !trusted)
    faults.push_back(refused(config, "delivery.tls_ca", config.delivery.tls_ca, trusted.error()));
  if (options.certificates.empty()) return;
  if (const auto used = server_.use(options); !used) {
    faults.push_back(refused(config, "tls.client_ca", config.tls.client_ca, used.error()));
    return;
  }
  in_use_ = std::move(next);
  for (const std::string& key : fresh) {
    const auto& certificate = *in_use_.at(key).certificate;
    sys::log::info("tls_certificate", {{"file", key.substr(0, key.find('\n'))},
                                       {"kind", certificate.kind()},
                                       {"until", base::to_rfc3339(certificate.not_after())}});
  }
}

}  // namespace postrider::app
