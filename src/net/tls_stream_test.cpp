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

// A server's socket that takes so many octets, and then blocks.
class Narrow final : public Stream {
 public:
  Narrow(std::unique_ptr<Stream> under, std::size_t& takes, std::size_t& writes)
      : under_(std::move(under)), takes_(takes), writes_(writes) {}
  std::optional<std::size_t> try_read(char* into, std::size_t capacity) override {
    return under_->try_read(into, capacity);
  }
  std::optional<std::size_t> try_write(std::string_view bytes) override {
    if (takes_ == 0) return {};
    const auto sent = under_->try_write(bytes.substr(0, takes_));
    if (sent && takes_ != kAll) takes_ -= *sent;
    ++writes_;
    return sent;
  }
  asio::awaitable<void> wait_readable() override { return under_->wait_readable(); }
  asio::awaitable<void> wait_writable() override { return under_->wait_writable(); }
  void finish_writing() noexcept override { under_->finish_writing(); }
  void cancel() noexcept override { under_->cancel(); }
  void resume() noexcept override { under_->resume(); }
  void close() noexcept override { under_->close(); }
  asio::any_io_executor executor() override { return under_->executor(); }

  static constexpr std::size_t kAll = std::string::npos;

 private:
  std::unique_ptr<Stream> under_;
  std::size_t& takes_;
  std::size_t& writes_;
};

class TlsTicket : public ::testing::Test {
 protected:
  void connect(TlsSession resume = {}) {
    given_ = nullptr;
    auto [ours, theirs] = testing::stream_pair(pair_.context);
    pair_.at_server = pair_.server.accept(std::make_unique<Narrow>(std::move(ours), takes_, writes_));
    pair_.at_client = pair_.client.connect(
        std::move(theirs), {.server_name = "mx.test",
                            .session = std::move(resume),
                            .on_session = [this](TlsSession session) { given_ = std::move(session); }});
    pair_.run(pair_.at_server->handshake(), pair_.at_client->handshake());
    writes_ = 0;
  }
  bool client_hears_nothing() {
    char octet = 0;
    return !pair_.at_client->try_read(&octet, 1);
  }
  bool resumes() {
    connect(given_);
    return pair_.at_server->facts().resumed;
  }

  TlsPair pair_;
  TlsSession given_;
  std::size_t takes_ = Narrow::kAll;
  std::size_t writes_ = 0;
};

// RFC 8446 4.6.1
TEST_F(TlsTicket, TravelsWithTheFirstThatIsSaid) {
  connect();
  EXPECT_TRUE(client_hears_nothing());
  EXPECT_FALSE(given_);
  std::string heard;
  pair_.run(say(*pair_.at_server, "220 "), hear(*pair_.at_client, 4, heard));
  EXPECT_EQ(heard, "220 ");
  EXPECT_EQ(writes_, 1u);
  EXPECT_TRUE(given_);
  EXPECT_TRUE(resumes());
}

TEST_F(TlsTicket, TravelsWithTheEndWhereNothingIsSaid) {
  connect();
  pair_.at_server->finish_writing();
  std::string heard;
  pair_.run(hear(*pair_.at_client, 1, heard));
  EXPECT_EQ(heard, "");
  EXPECT_EQ(pair_.at_client->try_read(heard.data(), 1), 0u);
  EXPECT_TRUE(given_);
  EXPECT_TRUE(resumes());
}

// Wherever the socket blocks: in the ticket, right behind it, in what comes then.
TEST_F(TlsTicket, ArrivesWholeThroughASocketThatBlocks) {
  for (std::size_t first = 0; first < 400; first += 7) {
    takes_ = Narrow::kAll;
    connect();
    takes_ = first;
    const std::string text = "220 mx.test ESMTP\r\n";
    const bool all = pair_.at_server->try_write(text).has_value();
    takes_ = Narrow::kAll;
    std::string heard;
    pair_.run(say(*pair_.at_server, all ? std::string() : text), hear(*pair_.at_client, text.size(), heard));
    EXPECT_EQ(heard, text) << first;
    EXPECT_TRUE(given_) << first;
  }
  EXPECT_TRUE(resumes());
}

TEST(TlsStream, NoWaitHangsOnATlsThatIsBroken) {
  TlsPair pair;
  pair.connect();
  auto below = pair.at_client->release();
  pair.at_client.reset();
  pair.run(
      say(*below, std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'x')));  // a record by nobody's key
  std::string got;
  EXPECT_EQ(error_of(pair, hear(*pair.at_server, 10, got)).category(), tls_category());
  bool waits = true;
  asio::co_spawn(pair.context, pair.at_server->wait_readable(), [&waits](auto&&...) { waits = false; });
  pair.context.restart();
  pair.context.poll();
  EXPECT_FALSE(waits);
  char octet = 0;
  EXPECT_THROW((void)pair.at_server->try_read(&octet, 1), system_error);
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
