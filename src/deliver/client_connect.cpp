#include "deliver/client_connect.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>

#include "net/listener.hpp"
#include "net/watchdog.hpp"

namespace postrider::deliver {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// The port is chosen at the connect: else a source address would have as many connections as ports, to all hosts
// together.
using BindAddressNoPort = asio::detail::socket_option::boolean<IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT>;

// To a Unix socket; each pause is twice the one before.
constexpr int kTries = 6;
constexpr base::Milliseconds kFirstPause{50};

}  // namespace

const std::string& helo_of(const config::Config& config, const config::Route& route) {
  return route.helo.empty() ? config.hostname.ascii() : route.helo;
}

std::optional<base::IpAddress> source_for(const NextHop& hop, const config::Route& route) {
  for (const auto& source : route.source)
    if (hop.socket.empty() && source.is_v4() == hop.address.is_v4()) return source;
  return {};
}

bool is_own_fault(const boost::system::error_code& error) {
  using namespace boost::system::errc;
  for (const auto fault : {too_many_files_open, too_many_files_open_in_system, no_buffer_space,
                           not_enough_memory, address_not_available, resource_unavailable_try_again})
    if (error == fault) return true;
  return false;
}

tcp::endpoint endpoint_of(const NextHop& hop) { return {net::to_asio(hop.address), hop.port}; }

void open_socket(tcp::socket& socket, const NextHop& hop, const std::optional<base::IpAddress>& source) {
  socket.open(endpoint_of(hop).protocol());
  if (!source) return;
  boost::system::error_code ignored;
  socket.set_option(BindAddressNoPort(true), ignored);
  socket.bind(tcp::endpoint(net::to_asio(*source), 0));
}

asio::awaitable<std::unique_ptr<net::Stream>> ClientConnector::connect(NextHop hop,
                                                                       std::optional<base::IpAddress> source,
                                                                       base::SteadyTime deadline) {
  cancel();  // what an attempt before left open when it failed
  if (!hop.socket.empty()) {
    co_await connect_unix(hop.socket, deadline);
    co_return std::make_unique<net::TcpStream>(std::move(socket_));
  }
  boost::system::error_code error;
  net::Watchdog watchdog(socket_.get_executor(), [this] { cancel(); });
  open_socket(socket_, hop, source);
  watchdog.set(deadline);
  co_await socket_.async_connect(endpoint_of(hop), asio::redirect_error(asio::use_awaitable, error));
  if (watchdog.expired()) error = asio::error::timed_out;
  if (error) {
    cancel();
    throw boost::system::system_error(error);
  }
  co_return std::make_unique<net::TcpStream>(std::move(socket_));
}

asio::awaitable<void> ClientConnector::connect_unix(std::string path, base::SteadyTime deadline) {
  base::Milliseconds pause = kFirstPause;
  for (int tries = 1;; ++tries, pause *= 2) {
    const auto error = try_unix(path);
    if (!error) co_return;
    const auto again = std::chrono::steady_clock::now() + pause;
    if (error != boost::system::errc::resource_unavailable_try_again || tries == kTries || again >= deadline)
      throw boost::system::system_error(error);
    timer_.expires_at(again);
    co_await timer_.async_wait(asio::use_awaitable);
  }
}

// It is there at once, or not: EAGAIN says that its queue of connections is full, and nobody tells when it no longer is.
boost::system::error_code ClientConnector::try_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  int error = path.size() < sizeof address.sun_path ? 0 : ENAMETOOLONG;
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) error = errno;
  if (error == 0) {
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      error = errno;
  }
  boost::system::error_code refused(error, boost::system::system_category());
  // Any stream socket will do: only read, written, waited for and closed.
  if (!refused) socket_.assign(tcp::v4(), descriptor, refused);
  if (refused && descriptor >= 0) ::close(descriptor);
  return refused;
}

void ClientConnector::cancel() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

}  // namespace postrider::deliver
