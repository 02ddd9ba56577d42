#include "net/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>

#include "net/tls_error.hpp"
#include "net/tls_x509.hpp"

namespace postrider::net {

using boost::system::system_error;

// What OpenSSL calls to reach the stream below. No exception may pass through OpenSSL: it is kept, and thrown behind it.
struct TlsStreamBio {
  static TlsStream& of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    TlsStream& stream = of(bio);
    if (!stream.early_.empty()) {
      const std::size_t taken = std::min(stream.early_.size(), static_cast<std::size_t>(size));
      std::copy_n(stream.early_.data(), taken, into);
      stream.early_.erase(0, taken);
      return static_cast<int>(taken);
    }
    try {
      if (const auto got = stream.under_->try_read(into, static_cast<std::size_t>(size)))
        return static_cast<int>(*got);
      BIO_set_retry_read(bio);
    } catch (const system_error& error) {
      stream.below_ = error.code();
    }
    return -1;
  }

  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = of(bio);
    const std::string_view octets(from, static_cast<std::size_t>(size));
    if (stream.writes_ticket()) {
      stream.ticket_ += octets;
      return size;
    }
    try {
      if (const auto sent = stream.write_under(octets)) return static_cast<int>(*sent);
      BIO_set_retry_write(bio);
    } catch (const system_error& error) {
      stream.below_ = error.code();
    }
    return -1;
  }

  static long control(BIO*, int what, long, void*) {
    return what == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is kept here
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* ours = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postrider stream");
      if (!ours) std::abort();
      BIO_meth_set_read(ours, read);
      BIO_meth_set_write(ours, write);
      BIO_meth_set_ctrl(ours, control);
      return ours;
    }();
    return made;
  }
};

TlsStream::TlsStream(std::unique_ptr<Stream> under, Options options)
    : under_(std::move(under)),
      keep_(std::move(options.keep)),
      ssl_(options.ssl),
      early_(std::move(options.early)) {
  BIO* bio = BIO_new(TlsStreamBio::method());
  if (!ssl_ || !bio) std::abort();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  if (options.server)
    SSL_set_accept_state(ssl_);
  else
    SSL_set_connect_state(ssl_);
}

TlsStream::~TlsStream() {
  // A session may be resumed though its connection was not closed in order. RFC 5246 7.2.1
  if (!dead_) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

// Nobody waits for it: it can travel with what is said next, and costs neither side a packet of its own. RFC 8446 4.6.1
bool TlsStream::writes_ticket() const {
  return SSL_get_state(ssl_) == TLS_ST_SW_SESSION_TICKET && SSL_version(ssl_) == TLS1_3_VERSION;
}

std::optional<std::size_t> TlsStream::write_under(std::string_view octets) {
  if (ticket_.empty()) return under_->try_write(octets);
  const std::string both = ticket_ + std::string(octets);
  const std::size_t sent = under_->try_write(both).value_or(0);
  const std::size_t of_ticket = std::min(sent, ticket_.size());
  ticket_.erase(0, of_ticket);
  ticket_.shrink_to_fit();
  if (sent == of_ticket) return {};
  return sent - of_ticket;
}

TlsStream::Blocked TlsStream::blocked_by(int result) {
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ) return Blocked::on_read;
  if (why == SSL_ERROR_WANT_WRITE) return Blocked::on_write;
  dead_ = true;
  if (below_) {
    ERR_clear_error();
    throw system_error(std::exchange(below_, {}));
  }
  const auto code = take_tls_error();
  // Without close_notify: somebody else may have ended it.
  const bool cut =
      ERR_GET_REASON(static_cast<unsigned int>(code.value())) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (why == SSL_ERROR_SYSCALL || (code.category() == tls_category() && cut))
    throw system_error(asio::error::eof);
  throw system_error(code);
}

asio::awaitable<void> TlsStream::handshake() {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) break;
    if (blocked_by(result) == Blocked::on_write)
      co_await under_->wait_writable();
    else
      co_await under_->wait_readable();
  }
  established_ = true;
  early_.shrink_to_fit();
}

std::optional<std::size_t> TlsStream::try_read(char* into, std::size_t capacity) {
  if (ended_) return 0;
  if (dead_) throw system_error(asio::error::eof);
  ERR_clear_error();
  std::size_t got = 0;
  reading_ = Blocked::no;
  const int result = SSL_read_ex(ssl_, into, capacity, &got);
  if (result == 1) return got;
  if (SSL_get_error(ssl_, result) == SSL_ERROR_ZERO_RETURN) {
    ended_ = true;
    return 0;
  }
  reading_ = blocked_by(result);
  return {};
}

std::optional<std::size_t> TlsStream::try_write(std::string_view bytes) {
  if (dead_ || write_dead_) throw system_error(asio::error::broken_pipe);
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &sent);
  write_pending_ = false;
  if (result == 1) return sent;
  if (below_) {
    // What the other side said before it went can still be read.
    write_dead_ = true;
    ERR_clear_error();
    throw system_error(std::exchange(below_, {}));
  }
  blocked_by(result);  // never on a read: there is no renegotiation
  write_pending_ = true;
  return {};
}

asio::awaitable<void> TlsStream::wait_readable() {
  if (ended_ || dead_) co_return;
  // What OpenSSL has taken in already, nobody will announce again.
  if (reading_ == Blocked::no && established_ && SSL_has_pending(ssl_) == 1) co_return;
  if (reading_ == Blocked::on_write) co_return co_await under_->wait_writable();
  co_await under_->wait_readable();
}

asio::awaitable<void> TlsStream::wait_writable() { return under_->wait_writable(); }

void TlsStream::finish_writing() noexcept {
  if (established_ && !dead_ && !write_dead_ && !write_pending_) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_);  // sends close_notify; the other's is not waited for
    ERR_clear_error();
    below_ = {};
  }
  under_->finish_writing();
}

void TlsStream::cancel() noexcept {
  // What OpenSSL began to send it goes on with at the next write, whatever that is given.
  if (write_pending_) write_dead_ = true;
  under_->cancel();
}

std::unique_ptr<Stream> TlsStream::release() {
  dead_ = true;
  return std::move(under_);
}

std::string TlsStream::channel_binding() const {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  // Before TLS 1.3 two sessions can be made to have the same secret, but for this extension. RFC 9266 3
  if (SSL_version(ssl_) < TLS1_3_VERSION && SSL_get_extms_support(ssl_) != 1) return {};
  std::string octets(32, '\0');
  const int made = SSL_export_keying_material(ssl_, reinterpret_cast<unsigned char*>(octets.data()),
                                              octets.size(), kLabel.data(), kLabel.size(), nullptr, 0, 1);
  return made == 1 ? octets : std::string();
}

TlsFacts TlsStream::facts() const {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl_);
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_)) {
    const char* name = SSL_CIPHER_standard_name(cipher);
    facts.cipher = name ? name : SSL_CIPHER_get_name(cipher);
  }
  if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) facts.server_name = name;
  facts.resumed = SSL_session_reused(ssl_) == 1;
  if (X509* peer = SSL_get0_peer_certificate(ssl_)) {
    facts.has_peer = true;
    facts.peer = describe(peer);
    const long verdict = SSL_get_verify_result(ssl_);
    facts.peer.trusted = verdict == X509_V_OK;
    if (!facts.peer.trusted) facts.peer.distrust = X509_verify_cert_error_string(verdict);
  }
  return facts;
}

TlsSession TlsStream::session() const { return {SSL_get1_session(ssl_), SSL_SESSION_free}; }

std::vector<X509*> TlsStream::chain() const {
  std::vector<X509*> all;
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(ssl_);
  for (int i = 0; sent && i < sk_X509_num(sent); ++i) all.push_back(sk_X509_value(sent, i));
  return all;
}

bool TlsStream::peer_is_one_of(const std::vector<std::string>& names) const {
  X509* peer = SSL_get0_peer_certificate(ssl_);
  return peer && std::ranges::any_of(names, [peer](const std::string& name) {
           return X509_check_host(peer, name.data(), name.size(),
                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                                  nullptr) == 1;
         });
}

}  // namespace postrider::net
