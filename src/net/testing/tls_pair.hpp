// A server and a client of TLS on the two ends of a socket pair.
#pragma once

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "net/testing/certificates.hpp"
#include "net/tls_context.hpp"
#include "sys/fake/clock.hpp"
#include "sys/random.hpp"

namespace postrider::net::testing {

inline std::pair<std::unique_ptr<TcpStream>, std::unique_ptr<TcpStream>> stream_pair(
    asio::io_context& context) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  const auto make = [&](int descriptor) {
    asio::ip::tcp::socket socket(context);
    socket.assign(asio::ip::tcp::v4(), descriptor);
    return std::make_unique<TcpStream>(std::move(socket));
  };
  auto first = make(ends[0]);
  return {std::move(first), make(ends[1])};
}

// Reads so many octets, or to the end of the stream.
inline asio::awaitable<std::string> read(Stream& stream, std::size_t octets) {
  std::string got;
  std::string piece(20000, '\0');
  while (got.size() < octets) {
    const auto some = stream.try_read(piece.data(), std::min(piece.size(), octets - got.size()));
    if (!some) {
      co_await stream.wait_readable();
      continue;
    }
    if (*some == 0) break;
    got.append(piece, 0, *some);
  }
  co_return got;
}

class TlsPair {
 public:
  TlsPair() { use({certificate()}); }

  void use(std::vector<std::shared_ptr<const TlsCertificate>> certificates) {
    if (!server.use({.certificates = std::move(certificates), .hostname = "mx.test", .client_ca = {}}))
      std::abort();
  }
  // Both handshakes; a failed one throws.
  void connect(TlsClient::Options options = {.server_name = "mx.test"}) {
    auto [ours, theirs] = stream_pair(context);
    at_server = server.accept(std::move(ours));
    at_client = client.connect(std::move(theirs), std::move(options));
    run(at_server->handshake(), at_client->handshake());
  }
  // Until both have come to their end; the first one's exception goes before that of the second.
  void run(asio::awaitable<void> first, asio::awaitable<void> second) {
    int ended = 0;
    std::exception_ptr troubles[2];
    const auto note = [this, &ended](std::exception_ptr& trouble) {
      return [this, &ended, place = &trouble](const std::exception_ptr& thrown) {
        *place = thrown;
        ++ended;
        // Who waits for it learns that nothing more comes.
        if (thrown) close();
      };
    };
    context.restart();
    asio::co_spawn(context, std::move(first), note(troubles[0]));
    asio::co_spawn(context, std::move(second), note(troubles[1]));
    while (ended < 2) context.run_one();
    for (const auto& trouble : troubles)
      if (trouble) std::rethrow_exception(trouble);
  }
  void run(asio::awaitable<void> only) { run(std::move(only), nothing()); }
  static asio::awaitable<void> nothing() { co_return; }

  asio::io_context context{1};
  sys::fake::Clock clock;
  TlsServer server{clock, sys::system_random()};
  TlsClient client;
  std::unique_ptr<TlsStream> at_server, at_client;

 private:
  void close() {
    if (at_server) at_server->finish_writing();
    if (at_client) at_client->finish_writing();
  }
};

}  // namespace postrider::net::testing
