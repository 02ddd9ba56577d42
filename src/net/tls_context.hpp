// The two ends of TLS: what we are as a server, and as a client. Mozilla's "intermediate" is the floor: TLS 1.2 and 1.3,
// nothing older, no compression, no renegotiation. RFC 8996, RFC 9325
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/tls_certificate.hpp"
#include "net/tls_stream.hpp"
#include "net/tls_tickets.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"

namespace postrider::net {

struct TlsServerOptions {
  std::vector<std::shared_ptr<const TlsCertificate>> certificates;  // at least one
  std::string hostname;   // whose certificate is shown to who names no host, or one that nobody has
  std::string client_ca;  // file; empty: clients are not asked for a certificate
};

// Any thread.
class TlsServer {
 public:
  TlsServer(sys::Clock& clock, sys::Random& random);

  // From now on new connections see these; those that stand go on. Ticket keys stay. The other: why not, and nothing has
  // changed. Blocking.
  std::expected<void, std::string> use(const TlsServerOptions& options);
  bool is_ready() const;

  // A session on this connection, whose handshake is still to be made. Requires is_ready(). `early`: what was read from it
  // already and belongs to the handshake.
  std::unique_ptr<TlsStream> accept(std::unique_ptr<Stream> stream, std::string early = {});

  // Held during a handshake. May outlive the server.
  class Pass {
   public:
    Pass(Pass&& other) noexcept = default;
    Pass& operator=(Pass&& other) noexcept {
      std::swap(count_, other.count_);
      return *this;
    }
    ~Pass() {
      if (count_) --*count_;
    }

   private:
    friend class TlsServer;
    explicit Pass(std::shared_ptr<std::atomic<std::size_t>> count) : count_(std::move(count)) {}
    std::shared_ptr<std::atomic<std::size_t>> count_;
  };
  // Nothing where `limit` are under way.
  std::optional<Pass> begin_handshake(std::size_t limit);

 private:
  struct Contexts;
  std::shared_ptr<const Contexts> contexts() const;

  TlsTickets tickets_;
  std::shared_ptr<std::atomic<std::size_t>> handshakes_ = std::make_shared<std::atomic<std::size_t>>(0);
  mutable std::mutex mutex_;
  std::shared_ptr<const Contexts> contexts_;
};

// Any thread.
class TlsClient {
 public:
  TlsClient();

  // Who is trusted: the authorities in this file, or the system's where it is empty. The other: why not, and nothing has
  // changed. Blocking.
  std::expected<void, std::string> trust(const std::string& ca_file);

  struct Options {
    std::string server_name;  // SNI; empty, or no host name: none is sent
    TlsSession session = {};  // to be resumed
    std::function<void(TlsSession)> on_session = {};
    // Keys and signatures that are weak are refused, too; else they are better than no TLS. RFC 7435 3
    bool strict = false;
    // For questions to servers: no other version than this; 0: TLS 1.2 and newer.
    int only_version = 0;
  };
  // A session on this connection, whose handshake is still to be made. No certificate fails the handshake: facts() and
  // peer_is_one_of() tell what it is worth.
  std::unique_ptr<TlsStream> connect(std::unique_ptr<Stream> stream, Options options);

 private:
  std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace postrider::net
