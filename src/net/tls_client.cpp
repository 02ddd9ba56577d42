// TlsClient: our end where we are the client.
#include <openssl/err.h>

#include <cstdlib>

#include "base/ip.hpp"
#include "net/tls_context.hpp"
#include "net/tls_error.hpp"
#include "net/tls_settings.hpp"

namespace postrider::net {
namespace {

// A server that knows no better than these gets mail in clear without them. RFC 7435 3
constexpr const char* kAny = "HIGH:!aNULL:!eNULL:!PSK:!SRP:!DSS:!3DES:@SECLEVEL=1";
constexpr const char* kEvenOld = "ALL:!aNULL:!eNULL:@SECLEVEL=0";
constexpr int kStrong = 2;  // security level: 112 bits

int place_of_callback() {
  static const int place = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return place;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* take =
      static_cast<const std::function<void(TlsSession)>*>(SSL_get_ex_data(ssl, place_of_callback()));
  if (!take || !*take) return 0;
  (*take)(TlsSession(session, SSL_SESSION_free));
  return 1;  // the reference is ours now
}

base::SslCtxPtr make_client_context() {
  auto context = make_tls_context(TLS_client_method(), kAny);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  only_note_certificates(context.get());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context.get(), on_new_session);
  return context;
}

}  // namespace

TlsClient::TlsClient() : context_(make_client_context()) {
  // Without them nobody is trusted, which `verify` tells.
  (void)SSL_CTX_set_default_verify_paths(context_.get());
}

std::expected<void, std::string> TlsClient::trust(const std::string& ca_file) {
  std::shared_ptr<SSL_CTX> next = make_client_context();
  ERR_clear_error();
  if (ca_file.empty()) {
    (void)SSL_CTX_set_default_verify_paths(next.get());
  } else if (SSL_CTX_load_verify_locations(next.get(), ca_file.c_str(), nullptr) != 1) {
    return std::unexpected(ca_file + " can't be used: " + take_tls_words());
  }
  const std::lock_guard lock(mutex_);
  context_ = std::move(next);
  return {};
}

std::unique_ptr<TlsStream> TlsClient::connect(std::unique_ptr<Stream> stream, Options options) {
  std::shared_ptr<SSL_CTX> context;
  {
    const std::lock_guard lock(mutex_);
    context = context_;
  }
  SSL* ssl = SSL_new(context.get());
  if (!ssl) std::abort();
  if (options.strict) SSL_set_security_level(ssl, kStrong);
  if (options.only_version != 0) {
    if (options.only_version < TLS1_2_VERSION) SSL_set_cipher_list(ssl, kEvenOld);
    SSL_set_min_proto_version(ssl, options.only_version);
    SSL_set_max_proto_version(ssl, options.only_version);
  }
  // An address is no server name. RFC 6066 3
  const std::string& name = options.server_name;
  if (!name.empty() && name.size() <= 255 && !base::IpAddress::parse(name))
    SSL_set_tlsext_host_name(ssl, name.c_str());
  if (options.session) SSL_set_session(ssl, options.session.get());
  ERR_clear_error();
  const auto on_session = std::make_shared<std::function<void(TlsSession)>>(std::move(options.on_session));
  SSL_set_ex_data(ssl, place_of_callback(), on_session.get());
  return std::make_unique<TlsStream>(
      std::move(stream), TlsStream::Options{.ssl = ssl, .server = false, .early = {}, .keep = on_session});
}

}  // namespace postrider::net
