#include "net/testing/certificates.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "base/openssl.hpp"

namespace postrider::net::testing {
namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Pem make_certificate(const Wanted& wanted) {
  static std::atomic<long> serial = 1;
  const base::KeyPtr key(wanted.kind == KeyKind::ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
  const base::X509Ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), wanted.from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), wanted.until);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1,
                             0);
  X509_set_issuer_name(made.get(), name);
  std::string names;
  for (const std::string& each : wanted.names) names += (names.empty() ? "DNS:" : ",DNS:") + each;
  if (!names.empty()) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  if (X509_sign(made.get(), key.get(), EVP_sha256()) == 0) std::abort();
  const base::BioPtr certificate(BIO_new(BIO_s_mem()));
  const base::BioPtr secret(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificate.get(), made.get());
  PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(certificate.get()), text_of(secret.get())};
}

std::filesystem::path Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_.path() / name) << text;
  return folder_.path() / name;
}

TlsFiles Folder::write(const std::string& name, const Pem& pem) const {
  return {write(name + ".pem", pem.certificate), write(name + ".key", pem.key)};
}

std::shared_ptr<const TlsCertificate> certificate(const Wanted& wanted) {
  const Folder folder;
  auto read = TlsCertificate::read(folder.write("one", make_certificate(wanted)));
  if (!read) std::abort();
  return *read;
}

}  // namespace postrider::net::testing
