#include "net/tls_settings.hpp"

#include <cstdio>
#include <cstdlib>

#include "net/tls_error.hpp"

namespace postrider::net {
namespace {

void must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "tls: %s: %s\n", what, take_tls_words().c_str());
  std::abort();
}

int note_only(X509_STORE_CTX* chain, void*) {
  (void)X509_verify_cert(chain);  // its error stays in `chain`
  return 1;
}

}  // namespace

base::SslCtxPtr make_tls_context(const SSL_METHOD* method, const char* ciphers) {
  base::SslCtxPtr context(SSL_CTX_new(method));
  must(context != nullptr, "a context");
  SSL_CTX* made = context.get();
  // What the system's openssl.cnf says does not change what we are.
  must(SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION) == 1, "the oldest version");  // RFC 8996 4
  must(SSL_CTX_set_max_proto_version(made, 0) == 1, "the newest version");
  must(SSL_CTX_set_cipher_list(made, ciphers) == 1, "ciphers");
  must(SSL_CTX_set1_groups_list(made, kGroups) == 1, "groups");
  SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(
      made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One read from the socket for a whole record instead of two.
  SSL_CTX_set_read_ahead(made, 1);
  return context;
}

void only_note_certificates(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(context, note_only, nullptr);
}

}  // namespace postrider::net
