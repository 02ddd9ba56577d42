#include "net/tls_tickets.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdlib>

namespace postrider::net {
namespace {

int place_in_context() {
  static const int place = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return place;
}

bool set_mac(EVP_MAC_CTX* mac, TlsTickets::Key& key) {
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: 1 done, 2 done and a new ticket is to be made, 0 unknown, -1 failed.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int encrypt) {
  auto* tickets = static_cast<TlsTickets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place_in_context()));
  if (encrypt == 1) {
    auto key = tickets->current();
    sys::system_random().fill({iv, static_cast<std::size_t>(EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()))});
    std::ranges::copy(key.name, name);
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1) return -1;
    return set_mac(mac, key) ? 1 : -1;
  }
  auto key = tickets->find(name);
  if (!key) return 0;
  if (!set_mac(mac, *key) ||
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) != 1)
    return -1;
  // A ticket is used once, and one of an old key is replaced. RFC 8446 Appendix C
  return 2;
}

}  // namespace

TlsTickets::TlsTickets(sys::Clock& clock, sys::Random& random)
    : clock_(clock), random_(random), current_(make()), since_(clock.steady()) {}

TlsTickets::Key TlsTickets::make() {
  Key key;
  random_.fill(key.name);
  random_.fill(key.cipher);
  random_.fill(key.mac);
  return key;
}

void TlsTickets::use_in(SSL_CTX* context) {
  if (SSL_CTX_set_ex_data(context, place_in_context(), this) != 1) std::abort();
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

void TlsTickets::rotate() {
  const auto now = clock_.steady();
  if (now - since_ < kPeriod) return;
  previous_.reset();
  if (now - since_ < 2 * kPeriod) previous_ = current_;
  current_ = make();
  since_ = now;
}

TlsTickets::Key TlsTickets::current() {
  const std::lock_guard lock(mutex_);
  rotate();
  return current_;
}

std::optional<TlsTickets::Key> TlsTickets::find(const std::uint8_t* name) {
  const std::lock_guard lock(mutex_);
  rotate();
  if (std::ranges::equal(current_.name, std::span(name, current_.name.size()))) return current_;
  if (previous_ && std::ranges::equal(previous_->name, std::span(name, previous_->name.size())))
    return previous_;
  return {};
}

}  // namespace postrider::net
