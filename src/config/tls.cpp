// [tls]: certificates, their keys, and whom clients' certificates come from.
#include "config/sections.hpp"

namespace postrider::config {
namespace {

constexpr std::size_t kMostCertificates = 1000;

}  // namespace

void read_tls(const Value& root, Config& config, Report& report) {
  Section section(table_of(root, "tls", report), "tls.", report);
  section.read("client_ca", config.tls.client_ca, parse_absolute_path);
  const auto certificates = section.text_or_texts("certificate");
  const auto keys = section.text_or_texts("key");
  if (certificates.size() != keys.size()) {
    const auto [key, other] =
        certificates.size() > keys.size() ? std::pair("certificate", "key") : std::pair("key", "certificate");
    report.add(
        section.at(key),
        std::to_string(certificates.size()) + " certificates and " + std::to_string(keys.size()) + " keys",
        std::string("name one ") + other + " for each " + key + ", in the same order");
  }
  if (certificates.size() > kMostCertificates)
    report.add(section.at("certificate"), "more than 1000 certificates", "a certificate may have many names");
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    TlsCertificate pair;
    const auto read = [&](const Text& from, std::filesystem::path& into) {
      const auto path = parse_absolute_path(from.text);
      if (!path) return report.add(from.at, path.error());
      into = *path;
    };
    read(certificates[i], pair.certificate);
    pair.line = certificates[i].at.line;
    pair.column = certificates[i].at.column;
    if (i < keys.size()) {
      read(keys[i], pair.key);
      pair.key_line = keys[i].at.line;
      pair.key_column = keys[i].at.column;
    }
    config.tls.certificates.push_back(std::move(pair));
  }
}

}  // namespace postrider::config
