// TLS over another stream.
//
// OpenSSL reads from and writes to that stream by itself, without buffers between: an idle session keeps OpenSSL's state and no
// buffer (SSL_MODE_RELEASE_BUFFERS). Cryptography runs on the caller's thread: a handshake with an RSA key of 2,048 bits takes it
// for about a millisecond, with ECDSA a tenth of that.
#pragma once

#include <openssl/types.h>

#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/stream.hpp"
#include "net/tls_facts.hpp"

struct ssl_session_st;  // SSL_SESSION, which openssl/types.h does not name

namespace postrider::net {

// What a server gave for resuming a session with it. Any thread.
using TlsSession = std::shared_ptr<ssl_session_st>;

// Made by TlsServer::accept() and TlsClient::connect(). Requires handshake() before anything is read or written.
//
// Errors beside those of Stream: what the other side does wrong is an error of the category "tls" (net/tls_error.hpp). The end
// of the connection without TLS's own end (close_notify) is asio::error::eof: somebody may have cut it short. After an
// error nothing more is read or written; after one of the stream below in a write, what came before is read. After cancel()
// in the middle of a write nothing more is written.
class TlsStream final : public Stream {
 public:
  struct Options {
    SSL* ssl = nullptr;  // taken over
    bool server = true;
    std::string early = {};  // what was read from `under` already, and belongs to the handshake
    std::shared_ptr<const void> keep = {};  // what the SSL refers to
  };
  TlsStream(std::unique_ptr<Stream> under, Options options);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Has no deadline of its own.
  asio::awaitable<void> handshake();
  // These require a handshake.
  TlsFacts facts() const;
  // Both ends have the same 32 octets, and nobody else: what SCRAM binds a login to (tls-exporter). Empty where the session can't
  // give it safely. RFC 9266 2
  std::string channel_binding() const;
  // The present one. Of TLS 1.2 it may be resumed; of TLS 1.3 only those that come by TlsClient::Options::on_session.
  TlsSession session() const;
  // The certificates that the other side sent, its own first; valid as long as the stream. May be empty: none was sent, or the
  // session was resumed.
  std::vector<X509*> chain() const;
  // The other side's certificate is valid for one of these names (".example.net" is any below it). RFC 9525 6.3
  bool peer_is_one_of(const std::vector<std::string>& names) const;
  // The stream below, with TLS taken off: for last things, as reading away what still comes. This one is at its end.
  std::unique_ptr<Stream> release();

  std::optional<std::size_t> try_read(char* into, std::size_t capacity) override;
  std::optional<std::size_t> try_write(std::string_view bytes) override;
  asio::awaitable<void> wait_readable() override;
  asio::awaitable<void> wait_writable() override;
  void finish_writing() noexcept override;
  void cancel() noexcept override;
  void resume() noexcept override { under_->resume(); }
  void close() noexcept override { under_->close(); }
  asio::any_io_executor executor() override { return under_->executor(); }

 private:
  friend struct TlsStreamBio;
  enum class Blocked : std::uint8_t { no, on_read, on_write };
  // What a step that returned `result` waits for; throws where it failed. `eof`: it may be the end of the stream.
  Blocked blocked_by(int result);
  bool writes_ticket() const;
  std::optional<std::size_t> write_under(std::string_view octets);

  std::unique_ptr<Stream> under_;
  std::shared_ptr<const void> keep_;  // goes after ssl_
  SSL* ssl_;
  std::string early_;
  std::string ticket_;  // for resuming the session, encrypted; goes out before what is written next
  boost::system::error_code below_;  // what `under_` threw inside OpenSSL
  Blocked reading_ = Blocked::no;    // the last read
  bool ended_ = false;               // by close_notify
  bool dead_ = false;                // an error
  bool write_dead_ = false;          // the same of a write alone, or one that was given up in its middle
  bool write_pending_ = false;
  bool established_ = false;
};

}  // namespace postrider::net
