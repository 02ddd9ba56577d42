#include "net/tls_stream.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include "net/fake/stream.hpp"
#include "net/testing/tls_pair.hpp"
#include "net/tls_error.hpp"

namespace postrider::net {
namespace {

using boost::system::system_error;
using testing::read;
using testing::TlsPair;

asio::awaitable<void> say(Stream& stream, std::string text) { co_await stream.write_all(text); }
asio::awaitable<void> hear(Stream& stream, std::size_t octets, std::string& into) {
  into = co_await read(stream, octets);
}

asio::awaitable<void> cancel(Stream& stream) {
  stream.cancel();
  co_return;
}
// Reads a part of the handshake by itself.
asio::awaitable<void> serve_late(TlsPair& pair, std::unique_ptr<TcpStream> stream) {
  std::string early = co_await read(*stream, 60);
  pair.at_server = pair.server.accept(std::move(stream), std::move(early));
  co_await pair.at_server->handshake();
}

boost::system::error_code error_of(TlsPair& pair, asio::awaitable<void> what) {
  try {
    pair.run(std::move(what));
  } catch (const system_error& error) {
    return error.code();
  }
  return {};
}

TEST(TlsStream, CarriesManyOctetsBothWaysAtOnce) {
  TlsPair pair;
  pair.connect();
  std::string up(3'000'000, '\0');
  for (std::size_t i = 0; i < up.size(); ++i) up[i] = static_cast<char>(i * 7 + i / 251);
  std::string down;
  std::string at_server;
  pair.run(say(*pair.at_client, up), hear(*pair.at_server, up.size(), at_server));
  EXPECT_TRUE(at_server == up);
  pair.run(say(*pair.at_server, up), hear(*pair.at_client, up.size(), down));
  EXPECT_TRUE(down == up);
}

TEST(TlsStream, ReadsWhatCameInOneRecordPieceByPiece) {
  TlsPair pair;
  pair.connect();
  pair.run(say(*pair.at_client, "hello"));
  std::string first;
  std::string rest;
  pair.run(hear(*pair.at_server, 2, first));
  // The socket has nothing more to announce: what OpenSSL holds must be found all the same.
  pair.run(hear(*pair.at_server, 3, rest));
  EXPECT_EQ(first + rest, "hello");
  char octet = 0;
  EXPECT_EQ(pair.at_server->try_read(&octet, 1), std::nullopt);
}

TEST(TlsStream, EndsWithCloseNotify) {
  TlsPair pair;
  pair.connect();
  pair.run(say(*pair.at_client, "bye"));
  pair.at_client->finish_writing();
  std::string got;
  pair.run(hear(*pair.at_server, 10, got));
  EXPECT_EQ(got, "bye");
  char octet = 0;
  EXPECT_EQ(pair.at_server->try_read(&octet, 1), 0u);
}

TEST(TlsStream, AnEndWithoutCloseNotifyIsAnError) {
  TlsPair pair;
  pair.connect();
  pair.run(say(*pair.at_client, "half"));
  const auto below = pair.at_client->release();
  pair.at_client.reset();
  below->finish_writing();
  std::string got;
  EXPECT_EQ(error_of(pair, hear(*pair.at_server, 10, got)), asio::error::eof);
  EXPECT_THROW((void)pair.at_server->try_write("more"), system_error);
}

TEST(TlsStream, OctetsThatAreNoTlsAreAnError) {
  TlsPair pair;
  pair.connect();
  auto below = pair.at_client->release();
  pair.at_client.reset();
  pair.run(say(*below, "MAIL FROM:<evil@client.test>\r\n"));
  std::string got;
  EXPECT_EQ(error_of(pair, hear(*pair.at_server, 10, got)).category(), tls_category());
  EXPECT_EQ(got, "");
}

TEST(TlsStream, AHandshakeWithRubbishFails) {
  TlsPair pair;
  fake::Peer peer;
  peer.sends = {"EHLO client.test\r\n"};
  auto stream = pair.server.accept(std::make_unique<fake::Stream>(pair.context.get_executor(), peer));
  EXPECT_EQ(error_of(pair, stream->handshake()).category(), tls_category());
  EXPECT_EQ(peer.heard, "");  // who does not speak TLS would not understand an alert
  EXPECT_THROW((void)stream->try_write("250 ok\r\n"), system_error);
}

TEST(TlsStream, AHandshakeThatIsCutOffIsAnError) {
  TlsPair pair;
  fake::Peer peer;
  peer.sends = {std::string("\x16\x03\x01\x02\x00\x01", 6)};
  auto stream = pair.server.accept(std::make_unique<fake::Stream>(pair.context.get_executor(), peer));
  EXPECT_EQ(error_of(pair, stream->handshake()), asio::error::eof);
}

TEST(TlsStream, WhatWasReadAlreadyBelongsToTheHandshake) {
  TlsPair pair;
  auto [ours, theirs] = testing::stream_pair(pair.context);
  pair.at_client = pair.client.connect(std::move(theirs), {.server_name = "mx.test"});
  pair.run(serve_late(pair, std::move(ours)), pair.at_client->handshake());
  EXPECT_EQ(pair.at_server->facts().version, "TLSv1.3");
}

TEST(TlsStream, ACancelledWaitIsAborted) {
  TlsPair pair;
  pair.connect();
  std::string got;
  try {
    pair.run(hear(*pair.at_server, 1, got), cancel(*pair.at_server));
    ADD_FAILURE();
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), asio::error::operation_aborted);
  }
}

TEST(TlsStream, NothingIsWrittenBehindAWriteThatWasGivenUp) {
  TlsPair pair;
  pair.connect();
  const std::string much(100'000, 'x');
  while (pair.at_server->try_write(much)) {
  }
  pair.at_server->cancel();
  pair.at_server->resume();
  EXPECT_THROW((void)pair.at_server->try_write("421 timeout\r\n"), system_error);
}

}  // namespace
}  // namespace postrider::net
