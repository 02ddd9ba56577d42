#include "net/tls_x509.hpp"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "base/ascii.hpp"
#include "base/openssl.hpp"

namespace postrider::net {
namespace {

constexpr std::size_t kMostNames = 100;
constexpr std::size_t kMostSubject = 256;
constexpr std::size_t kMostName = 255;

std::vector<std::string> names_of(X509* certificate, int kind) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, base::Free<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!all) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()) && names.size() < kMostNames; ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
    if (type != kind) continue;
    const auto* text = static_cast<const ASN1_IA5STRING*>(value);
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
    // A NUL inside is how a name is made to look like another one.
    if (name.empty() || name.size() > kMostName || name.contains('\0')) continue;
    names.push_back(std::move(name));
  }
  return names;
}

base::UtcTime to_utc(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::UtcTime(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

std::vector<std::string> dns_names_of(X509* certificate) {
  auto names = names_of(certificate, GEN_DNS);
  for (std::string& name : names) name = base::lower(name);
  return names;
}

std::vector<std::string> emails_of(X509* certificate) { return names_of(certificate, GEN_EMAIL); }

base::UtcTime not_before_of(X509* certificate) { return to_utc(X509_get0_notBefore(certificate)); }

base::UtcTime not_after_of(X509* certificate) { return to_utc(X509_get0_notAfter(certificate)); }

std::string subject_of(X509* certificate) {
  const base::BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  std::string subject(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  if (subject.size() > kMostSubject) subject.resize(kMostSubject);
  return subject;
}

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::string key_of(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (!key) return "unknown";
  const char* name = EVP_PKEY_get0_type_name(key);
  return std::string(name ? name : "unknown") + ' ' + std::to_string(EVP_PKEY_get_bits(key));
}

PeerCertificate describe(X509* certificate) {
  return {.subject = subject_of(certificate),
          .names = dns_names_of(certificate),
          .emails = emails_of(certificate),
          .fingerprint = fingerprint_of(certificate),
          .not_after = base::to_rfc3339(not_after_of(certificate)),
          .trusted = false,
          .distrust = {}};
}

}  // namespace postrider::net
