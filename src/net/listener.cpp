#include "net/listener.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>

#include "sys/log.hpp"

namespace postrider::net {
namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr int kBacklog = 1024;

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

boost::system::error_code open_bound(asio::ip::tcp::acceptor& acceptor, const asio::ip::tcp::endpoint& where,
                                     bool reuse_port) {
  boost::system::error_code error;
  acceptor.open(where.protocol(), error);
  if (error) return error;
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && reuse_port) acceptor.set_option(ReusePort(true), error);
  if (!error && where.protocol() == asio::ip::tcp::v6()) {
    acceptor.set_option(asio::ip::v6_only(!where.address().is_unspecified()), error);
  }
  if (!error) acceptor.bind(where, error);
  return error;
}

}  // namespace

asio::ip::address to_asio(const base::IpAddress& address) {
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type bytes{};
    std::ranges::copy(address.bytes(), bytes.begin());
    return asio::ip::address_v4(bytes);
  }
  asio::ip::address_v6::bytes_type bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return asio::ip::address_v6(bytes);
}

base::IpAddress from_asio(const asio::ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return base::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  }
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.to_v6().to_bytes(), bytes.begin());
  return base::IpAddress::v6(bytes);
}

base::Result<Bound> bind(const base::IpAddress& address, std::uint16_t port,
                         const std::vector<asio::io_context*>& contexts) {
  asio::ip::tcp::endpoint where(to_asio(address), port);
  const auto fail = [&](const boost::system::error_code& error) {
    return base::permanent(
        {5, 3, 5}, "can't listen on " +
                       (address.is_v4() ? address.to_string() : '[' + address.to_string() + ']') + ":" +
                       std::to_string(port) + ": " + error.message());
  };
  {
    asio::ip::tcp::acceptor probe(*contexts.front());
    if (const auto error = open_bound(probe, where, false)) return fail(error);
    where = probe.local_endpoint();
  }
  Bound bound;
  bound.port = where.port();
  for (auto* context : contexts) {
    auto& acceptor = bound.acceptors.emplace_back(*context);
    if (const auto error = open_bound(acceptor, where, true)) return fail(error);
    boost::system::error_code error;
    acceptor.listen(kBacklog, error);
    if (error) return fail(error);
  }
  return bound;
}

base::Result<Bound> adopt(sys::Descriptor listening, const std::vector<asio::io_context*>& contexts) {
  Bound bound;
  for (auto* context : contexts) {
    const bool last = context == contexts.back();
    const int own = last ? listening.release() : ::fcntl(listening.get(), F_DUPFD_CLOEXEC, 0);
    if (own < 0)
      return base::permanent(
          {5, 3, 5}, "can't listen on a socket that was passed: " +
                         boost::system::error_code(errno, asio::error::get_system_category()).message());
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    ::getsockname(own, reinterpret_cast<sockaddr*>(&name), &size);
    auto& acceptor = bound.acceptors.emplace_back(*context);
    acceptor.assign(name.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), own);
    bound.port = acceptor.local_endpoint().port();
  }
  return bound;
}

Acceptor::Acceptor(asio::ip::tcp::acceptor acceptor, std::string out_of_descriptors,
                   std::function<void(asio::ip::tcp::socket, asio::ip::tcp::endpoint)> on_connection)
    : acceptor_(std::move(acceptor)),
      out_of_descriptors_(std::move(out_of_descriptors)),
      on_connection_(std::move(on_connection)),
      spare_descriptor_(open_spare()) {
  acceptor_.non_blocking(true);
}

Acceptor::~Acceptor() {
  if (spare_descriptor_ >= 0) ::close(spare_descriptor_);
}

void Acceptor::start() { accept_next(); }

void Acceptor::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

void Acceptor::accept_next() {
  // accept() wants a free descriptor even where no connection waits: tried without need, and with none free, it
  // would fail again and again and keep the thread busy.
  acceptor_.async_wait(asio::socket_base::wait_read, [this](boost::system::error_code error) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (error) return retry_later();
    accept_one();
  });
}

void Acceptor::accept_one() {
  boost::system::error_code error;
  asio::ip::tcp::endpoint from;
  auto socket = acceptor_.accept(from, error);
  if (!error) {
    on_connection_(std::move(socket), from);
  } else if (error.value() == EMFILE || error.value() == ENFILE) {
    // Where the spare is lost as well, the connection goes on waiting: to be told of it at once, again and again, would
    // keep the thread busy.
    if (!refuse_for_want_of_descriptors()) return retry_later();
  } else if (error.value() == ENOBUFS || error.value() == ENOMEM) {
    return retry_later();
  }
  if (acceptor_.is_open()) accept_next();  // what else accept() reports is about that one connection
}

bool Acceptor::refuse_for_want_of_descriptors() {
  if (spare_descriptor_ >= 0) ::close(spare_descriptor_);
  const int refused = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (refused >= 0) {
    // The reply fits any send buffer. What the client has said already would turn close() into a reset that
    // eats the reply, so it is read away first.
    (void)::send(refused, out_of_descriptors_.data(), out_of_descriptors_.size(), MSG_NOSIGNAL);
    ::shutdown(refused, SHUT_WR);
    std::array<char, 4096> rubbish{};
    for (int i = 0; i < 16 && ::recv(refused, rubbish.data(), rubbish.size(), 0) > 0; ++i) {
    }
    ::close(refused);
    sys::log::warning("out_of_descriptors");
  }
  spare_descriptor_ = open_spare();
  return refused >= 0;
}

void Acceptor::retry_later() {
  const auto timer =
      std::make_shared<asio::steady_timer>(acceptor_.get_executor(), std::chrono::milliseconds(100));
  timer->async_wait([this, timer](boost::system::error_code) {
    if (acceptor_.is_open()) accept_next();
  });
}

}  // namespace postrider::net
