#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

namespace postrider::net {
namespace {

using asio::ip::tcp;

// A connection on loopback, where a reset has arrived when close() returns.
struct Connection {
  asio::io_context context;
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  tcp::socket peer{context};
  std::array<char, 16> buffer{};

  TcpStream accept() {
    peer.connect(acceptor.local_endpoint());
    return TcpStream(acceptor.accept());
  }
  void reset() {
    peer.set_option(asio::socket_base::linger(true, 0));
    peer.close();
  }
};

TEST(TcpStream, AResetIsABrokenConnection) {
  Connection connection;
  auto stream = connection.accept();
  EXPECT_FALSE(stream.try_read(connection.buffer.data(), connection.buffer.size()));
  connection.reset();
  EXPECT_THROW((void)stream.try_read(connection.buffer.data(), connection.buffer.size()),
               boost::system::system_error);
}

TEST(TcpStream, AResetAfterTheLastWordReadsAsTheEnd) {
  Connection connection;
  auto stream = connection.accept();
  stream.finish_writing();
  connection.reset();
  EXPECT_EQ(stream.try_read(connection.buffer.data(), connection.buffer.size()), 0u);
}

}  // namespace
}  // namespace postrider::net
