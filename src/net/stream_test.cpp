#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <string>

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
  void say(const std::string& octets) { asio::write(peer, asio::buffer(octets)); }

  // Goes on in run(). Its end is in `waited`.
  void begin_wait(TcpStream& stream) {
    waited.reset();
    asio::co_spawn(context, stream.wait_readable(),
                   [this](const std::exception_ptr& thrown) { waited = code_of(thrown); });
    context.restart();
    context.poll();
  }
  void run() {
    context.restart();
    context.run();
  }
  void wait(TcpStream& stream) {
    begin_wait(stream);
    run();
    ASSERT_EQ(waited, boost::system::error_code());
  }
  static boost::system::error_code code_of(const std::exception_ptr& thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& error) {
      return error.code();
    }
    return {};
  }
  // What comes until the stream ends or would block; at most `piece` octets at a time.
  std::string read(TcpStream& stream, std::size_t piece) {
    std::string all;
    std::string some(piece, '\0');
    for (;;) {
      const auto got = stream.try_read(some.data(), some.size());
      ended = got == 0u;
      if (!got || ended) return all;
      all.append(some, 0, *got);
    }
  }

  std::optional<boost::system::error_code> waited;
  bool ended = false;
};

std::string octets(std::size_t count) {
  std::string made(count, '\0');
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<char>('a' + i % 23);
  return made;
}

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

// More than a wait reads by itself, just that, and less.
TEST(TcpStream, WhatAWaitReadComesBeforeWhatCameLater) {
  for (const std::size_t count : {1u, 511u, 512u, 513u, 5000u}) {
    for (const std::size_t piece : {1u, 500u, 512u, 600u, 9000u}) {
      Connection connection;
      auto stream = connection.accept();
      connection.begin_wait(stream);
      EXPECT_FALSE(connection.waited);
      connection.say(octets(count));
      connection.run();
      connection.wait(stream);  // once more: it is there already
      EXPECT_EQ(connection.read(stream, piece), octets(count)) << count << " by " << piece;
      EXPECT_FALSE(connection.ended);
      connection.say("later");
      connection.wait(stream);
      EXPECT_EQ(connection.read(stream, piece), "later");
    }
  }
}

TEST(TcpStream, AWaitFindsTheEndBehindTheLastOctets) {
  for (const std::size_t count : {0u, 3u, 512u, 600u}) {
    Connection connection;
    auto stream = connection.accept();
    connection.begin_wait(stream);
    connection.say(octets(count));
    connection.peer.close();
    connection.run();
    EXPECT_EQ(connection.read(stream, 1000), octets(count));
    EXPECT_TRUE(connection.ended);
    connection.wait(stream);
    EXPECT_EQ(connection.read(stream, 1000), "");
    EXPECT_TRUE(connection.ended);
  }
}

TEST(TcpStream, AResetDuringAWaitIsToldByTheNextRead) {
  Connection connection;
  auto stream = connection.accept();
  connection.begin_wait(stream);
  connection.reset();
  connection.run();
  EXPECT_EQ(connection.waited, boost::system::error_code());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW(connection.read(stream, 10), boost::system::system_error);
    connection.wait(stream);  // no wait hangs on what is broken
  }
  stream.finish_writing();
  EXPECT_EQ(connection.read(stream, 10), "");
  EXPECT_TRUE(connection.ended);
}

TEST(TcpStream, ACancelledWaitLosesNothing) {
  Connection connection;
  auto stream = connection.accept();
  connection.begin_wait(stream);
  stream.cancel();
  connection.say("first");
  connection.run();
  EXPECT_EQ(connection.waited, asio::error::operation_aborted);
  connection.begin_wait(stream);
  EXPECT_EQ(connection.waited, asio::error::operation_aborted);
  stream.resume();
  connection.wait(stream);
  EXPECT_EQ(connection.read(stream, 100), "first");
}

TEST(TcpStream, ACancelThatComesTooLateLosesNothing) {
  Connection connection;
  auto stream = connection.accept();
  connection.say("first");
  asio::co_spawn(connection.context, stream.wait_readable(),
                 [&](const std::exception_ptr& thrown) { connection.waited = Connection::code_of(thrown); });
  connection.context.poll_one();  // it has read
  stream.cancel();
  connection.run();
  EXPECT_EQ(connection.waited, boost::system::error_code());
  EXPECT_EQ(connection.read(stream, 100), "first");
}

}  // namespace
}  // namespace postrider::net
