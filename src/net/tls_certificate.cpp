#include "net/tls_certificate.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/ascii.hpp"
#include "base/openssl.hpp"
#include "net/tls_error.hpp"
#include "net/tls_x509.hpp"

namespace postrider::net {
namespace {

constexpr std::size_t kMostFile = 1u << 20;
constexpr std::size_t kMostChain = 20;
constexpr int kLeastRsa = 2048;  // bits

using Of = TlsFault::Of;

std::unexpected<TlsFault> fault(Of of, std::string what, std::string mend) {
  return std::unexpected(TlsFault{of, std::move(what), std::move(mend)});
}

std::expected<std::string, TlsFault> read_file(const std::filesystem::path& path, Of of) {
  const auto refuse = [&](const std::string& why) {
    return fault(of, path.string() + " can't be read: " + why,
                 "it must be a file that the server's user may read");
  };
  // Not to wait for ever where it is a FIFO.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return refuse(std::strerror(errno));
  std::string text(kMostFile + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = ::read(descriptor, text.data() + size, text.size() - size)) > 0)
    size += static_cast<std::size_t>(got);
  const int error = errno;
  ::close(descriptor);
  if (got < 0) return refuse(std::strerror(error));
  if (size > kMostFile) return refuse("it is larger than 1 MiB");
  text.resize(size);
  return text;
}

base::BioPtr over(const std::string& text) {
  return base::BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is there to type a password.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

std::expected<std::shared_ptr<const TlsCertificate>, TlsFault> TlsCertificate::read(const TlsFiles& files) {
  ERR_clear_error();
  std::shared_ptr<TlsCertificate> made(new TlsCertificate);
  const auto chain = read_file(files.certificate, Of::certificate);
  if (!chain) return std::unexpected(chain.error());
  const auto bio = over(*chain);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
    made->chain_.emplace_back(one, X509_free);
    if (made->chain_.size() > kMostChain)
      return fault(Of::certificate, files.certificate.string() + " holds more than 20 certificates",
                   "it should hold the server's own and those between it and the root");
  }
  // The end of the file is "no start line"; whatever else stopped the reading is a damaged certificate.
  const auto why = ERR_GET_REASON(ERR_peek_last_error());
  const std::string words = take_tls_words();
  if (made->chain_.empty() || why != PEM_R_NO_START_LINE)
    return fault(Of::certificate,
                 files.certificate.string() +
                     (made->chain_.empty() ? " holds no certificate" : " is damaged") + ": " + words,
                 "it must be PEM: -----BEGIN CERTIFICATE-----, the server's own first");

  const auto key = read_file(files.key, Of::key);
  if (!key) return std::unexpected(key.error());
  made->key_.reset(PEM_read_bio_PrivateKey(over(*key).get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  if (!made->key_) {
    const bool locked = key->contains("ENCRYPTED");
    const std::string trouble = take_tls_words();
    return fault(
        Of::key,
        files.key.string() + (locked ? " is locked with a password" : " holds no private key: " + trouble),
        locked ? "the server has nobody to ask; store it without: openssl pkey -in it -out other"
               : "it must be PEM: -----BEGIN PRIVATE KEY-----");
  }
  X509* own = made->chain_.front().get();
  made->kind_ = EVP_PKEY_get0_type_name(made->key_.get());
  if (X509_check_private_key(own, made->key_.get()) != 1) {
    ERR_clear_error();
    return fault(Of::key,
                 files.key.string() + " is not the key of the certificate in " + files.certificate.string(),
                 "name the key that belongs to it");
  }
  if (made->kind_ == "RSA" && EVP_PKEY_get_bits(made->key_.get()) < kLeastRsa)
    return fault(Of::key, files.key.string() + " is an RSA key of less than 2048 bits",
                 "make a longer one, or an ECDSA key");
  if (made->kind_ != "RSA" && made->kind_ != "EC" && made->kind_ != "ED25519")
    return fault(Of::key, files.key.string() + " is a key of the kind " + made->kind_,
                 "use an RSA or an ECDSA key");
  made->names_ = dns_names_of(own);
  made->not_before_ = not_before_of(own);
  made->not_after_ = not_after_of(own);
  return made;
}

bool TlsCertificate::is_for(std::string_view host) const {
  return X509_check_host(chain_.front().get(), host.data(), host.size(),
                         X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                         nullptr) == 1;
}

std::string TlsCertificate::fault_at(base::UtcTime now) const {
  if (now > not_after_) return "it expired on " + base::to_rfc3339(not_after_);
  if (now < not_before_) return "it is not valid before " + base::to_rfc3339(not_before_);
  return {};
}

bool TlsCertificate::use_in(SSL_CTX* context) const {
  if (SSL_CTX_use_certificate(context, chain_.front().get()) != 1) return false;
  SSL_CTX_clear_chain_certs(context);
  for (std::size_t i = 1; i < chain_.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, chain_[i].get()) != 1) return false;
  return SSL_CTX_use_PrivateKey(context, key_.get()) == 1;
}

std::string state_of(const TlsFiles& files) {
  std::string state;
  for (const auto& path : {files.certificate, files.key}) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) {
      state += "none;";
      continue;
    }
    for (const auto part :
         {static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino),
          static_cast<std::uint64_t>(found.st_size), static_cast<std::uint64_t>(found.st_mtim.tv_sec),
          static_cast<std::uint64_t>(found.st_mtim.tv_nsec)})
      state += std::to_string(part) + ',';
    state += ';';
  }
  return state;
}

}  // namespace postrider::net
