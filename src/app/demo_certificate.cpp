#include "app/demo_certificate.hpp"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <string>

#include "base/openssl.hpp"
#include "sys/descriptor.hpp"

namespace postrider::app {
namespace {

using base::BioPtr;
using base::KeyPtr;
using base::X509Ptr;

constexpr long kDay = 24 * 3600;
constexpr long kValid = 730 * kDay;
constexpr long kRenew = 30 * kDay;
constexpr const char* kNames = "DNS:demo.test,DNS:localhost,IP:127.0.0.1";

// OpenSSL fails here only when there is no memory or no randomness.
template <class T>
T made(T object) {
  if (!object) std::abort();
  return object;
}

void add_extension(X509& to, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = made(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  X509_add_ext(&to, extension, -1);
  X509_EXTENSION_free(extension);
}

X509Ptr begin_certificate(EVP_PKEY& key, const char* name) {
  X509Ptr certificate(made(X509_new()));
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) std::abort();
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  -kDay);  // the clocks of a container and its host may differ
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValid);
  X509_set_pubkey(certificate.get(), &key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

std::string text_of(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509& certificate) {
  const BioPtr bio(made(BIO_new(BIO_s_mem())));
  PEM_write_bio_X509(bio.get(), &certificate);
  return text_of(bio);
}

std::string pem(EVP_PKEY& key) {
  const BioPtr bio(made(BIO_new(BIO_s_mem())));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

base::Result<void> write_file(const std::filesystem::path& file, const std::string& text, int mode) {
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  const sys::Descriptor opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!opened || ::write(opened.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return base::permanent({5, 3, 5}, "can't write " + file.string());
  return {};
}

bool is_good(const DemoFiles& files) {
  std::error_code ignored;
  if (!std::filesystem::exists(files.authority, ignored) || !std::filesystem::exists(files.key, ignored))
    return false;
  const BioPtr bio(BIO_new_file(files.certificate.c_str(), "r"));
  if (!bio) return false;
  const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  time_t soon = time(nullptr) + kRenew;
  return certificate && X509_cmp_time(X509_get0_notAfter(certificate.get()), &soon) > 0;
}

}  // namespace

base::Result<void> make_demo_certificate(const std::filesystem::path& folder) {
  const DemoFiles files = demo_files(folder);
  if (is_good(files)) return {};
  const KeyPtr authority_key(made(EVP_EC_gen("P-256")));
  const X509Ptr authority = begin_certificate(*authority_key, "Postrider demo, made for this folder alone");
  X509_set_issuer_name(authority.get(), X509_get_subject_name(authority.get()));
  add_extension(*authority, *authority, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(*authority, *authority, NID_key_usage, "critical,keyCertSign");
  add_extension(*authority, *authority, NID_subject_key_identifier, "hash");
  X509_sign(authority.get(), authority_key.get(), EVP_sha256());

  const KeyPtr key(made(EVP_EC_gen("P-256")));
  const X509Ptr certificate = begin_certificate(*key, "demo.test");
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(authority.get()));
  add_extension(*certificate, *authority, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*certificate, *authority, NID_key_usage, "critical,digitalSignature");
  add_extension(*certificate, *authority, NID_ext_key_usage, "serverAuth");
  add_extension(*certificate, *authority, NID_subject_key_identifier, "hash");
  add_extension(*certificate, *authority, NID_authority_key_identifier, "keyid");
  add_extension(*certificate, *authority, NID_subject_alt_name, kNames);
  X509_sign(certificate.get(), authority_key.get(), EVP_sha256());

  if (auto written = write_file(files.key, pem(*key), 0600); !written) return written;
  if (auto written = write_file(files.authority, pem(*authority), 0644); !written) return written;
  return write_file(files.certificate, pem(*certificate), 0644);  // last: where it is, the others are
}

}  // namespace postrider::app
