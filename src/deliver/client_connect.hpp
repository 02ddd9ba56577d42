// Connections to next hops.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "deliver/hosts.hpp"
#include "net/stream.hpp"

namespace postrider::deliver {

// What EHLO says on this route, and where its connections to the hop come from; nothing: from anywhere.
const std::string& helo_of(const config::Config& config, const config::Route& route);
std::optional<base::IpAddress> source_for(const NextHop& hop, const config::Route& route);
// For the hop's address and port, bound to `source`. Throws a boost::system::system_error.
void open_socket(boost::asio::ip::tcp::socket& socket, const NextHop& hop,
                 const std::optional<base::IpAddress>& source);
boost::asio::ip::tcp::endpoint endpoint_of(const NextHop& hop);

// It says nothing of the host: there are no descriptors, no memory or no ports left here, the source address is not ours, or
// too many of us ask at once.
bool is_own_fault(const boost::system::error_code& error);

// One connection at a time, on the executor's thread. Outlives its coroutine.
class ClientConnector {
 public:
  explicit ClientConnector(const boost::asio::any_io_executor& executor)
      : socket_(executor), timer_(executor) {}

  // To the hop's address and port, from `source`; or to its Unix socket. What goes wrong is a
  // boost::system::system_error: timed_out at `deadline`, operation_aborted after cancel(). A Unix
  // socket whose queue of connections is full is asked again a few times, for 2 s.
  boost::asio::awaitable<std::unique_ptr<net::Stream>> connect(NextHop hop,
                                                               std::optional<base::IpAddress> source,
                                                               base::SteadyTime deadline);
  void cancel() noexcept;

 private:
  boost::asio::awaitable<void> connect_unix(std::string path, base::SteadyTime deadline);
  boost::system::error_code try_unix(const std::string& path);
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
};

}  // namespace postrider::deliver
