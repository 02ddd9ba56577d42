// A listening socket per I/O thread on one address.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "sys/descriptor.hpp"

namespace postrider::net {

namespace asio = boost::asio;

asio::ip::address to_asio(const base::IpAddress& address);
// IPv4-mapped IPv6 addresses come out as IPv4.
base::IpAddress from_asio(const asio::ip::address& address);

// Bound sockets for one address, one for each of `contexts`, by SO_REUSEPORT. A first bind without that
// option notices another server on the port. Port 0 takes a free one. "[::]" takes IPv4 too. Failure:
// permanent 5.3.5. To be called before the contexts run.
struct Bound {
  std::vector<asio::ip::tcp::acceptor> acceptors;
  std::uint16_t port = 0;
};
base::Result<Bound> bind(const base::IpAddress& address, std::uint16_t port,
                         const std::vector<asio::io_context*>& contexts);

// The same for a socket that listens already: each context has a descriptor of it.
base::Result<Bound> adopt(sys::Descriptor listening, const std::vector<asio::io_context*>& contexts);

// Accepts until the acceptor is closed. Where descriptors run out, a kept spare is given up to take the
// connection, `out_of_descriptors` (a whole reply) is sent, and it is closed: never silence. RFC 5321 3.8
class Acceptor {
 public:
  Acceptor(asio::ip::tcp::acceptor acceptor, std::string out_of_descriptors,
           std::function<void(asio::ip::tcp::socket, asio::ip::tcp::endpoint)> on_connection);
  ~Acceptor();
  // On the acceptor's thread.
  void start();
  void close();

 private:
  void accept_next();
  void accept_one();
  bool refuse_for_want_of_descriptors();  // false where not even that could be done
  void retry_later();

  asio::ip::tcp::acceptor acceptor_;
  std::string out_of_descriptors_;
  std::function<void(asio::ip::tcp::socket, asio::ip::tcp::endpoint)> on_connection_;
  int spare_descriptor_ = -1;
};

}  // namespace postrider::net
