// OpenSSL's objects, freed by themselves. For what implements TLS; other headers name openssl/types.h at most.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace postrider::net {

template <auto free>
struct TlsFree {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, TlsFree<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, TlsFree<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, TlsFree<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, TlsFree<SSL_CTX_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, TlsFree<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, TlsFree<X509_free>>;

}  // namespace postrider::net
