#include "net/tls_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/system/system_error.hpp>

#include "net/testing/tls_pair.hpp"
#include "net/tls_error.hpp"
#include "net/tls_x509.hpp"

namespace postrider::net {
namespace {

using testing::certificate;
using ::testing::HasSubstr;
using testing::TlsPair;

// Whose certificate a client is shown who names this host.
std::vector<std::string> shown(TlsPair& pair, const std::string& host) {
  pair.connect({.server_name = host});
  return pair.at_client->facts().peer.names;
}

TEST(TlsContext, ShowsTheCertificateOfTheHostThatIsNamed) {
  using Names = std::vector<std::string>;
  TlsPair pair;
  pair.use({certificate({.names = {"other.test"}}), certificate({.names = {"mx.test"}}),
            certificate({.names = {"*.wild.test"}})});
  EXPECT_EQ(shown(pair, "OTHER.test"), Names{"other.test"});
  EXPECT_EQ(shown(pair, "a.wild.test"), Names{"*.wild.test"});
  EXPECT_EQ(shown(pair, "mx.test"), Names{"mx.test"});
  EXPECT_EQ(shown(pair, "unknown.test"), Names{"mx.test"});
  EXPECT_EQ(shown(pair, ""), Names{"mx.test"});
  EXPECT_EQ(shown(pair, "127.0.0.1"), Names{"mx.test"});
}

TEST(TlsContext, SpeaksTheNewestVersionAndNoneThatIsOld) {
  TlsPair pair;
  pair.connect();
  EXPECT_EQ(pair.at_server->facts().version, "TLSv1.3");
  EXPECT_EQ(pair.at_server->facts().server_name, "mx.test");
  EXPECT_THAT(pair.at_server->facts().to_string(), ::testing::StartsWith("TLSv1.3 TLS_"));
  pair.connect({.server_name = "mx.test", .only_version = TLS1_2_VERSION});
  EXPECT_THAT(pair.at_client->facts().to_string(), ::testing::StartsWith("TLSv1.2 TLS_ECDHE_ECDSA_WITH_"));
  for (const int old : {TLS1_VERSION, TLS1_1_VERSION}) {
    try {
      pair.connect({.server_name = "mx.test", .only_version = old});
      ADD_FAILURE() << old;
    } catch (const boost::system::system_error& error) {
      EXPECT_EQ(error.code().category(), tls_category());
      EXPECT_EQ(error.code().message(), "unsupported protocol");
    }
  }
}

TEST(TlsContext, BothEndsHaveTheSameChannelBindingAndEachSessionItsOwn) {
  TlsPair pair;
  std::string before;
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    pair.connect({.server_name = "mx.test", .only_version = version});
    const auto binding = pair.at_server->channel_binding();
    EXPECT_EQ(binding.size(), 32u);
    EXPECT_EQ(binding, pair.at_client->channel_binding());
    EXPECT_NE(binding, before);
    before = binding;
  }
}

TEST(TlsContext, NewCertificatesAreForNewConnectionsAndOldOnesGoOn) {
  TlsPair pair;
  pair.connect();
  const auto before = pair.at_client->facts().peer.fingerprint;
  const auto server = std::move(pair.at_server);
  const auto client = std::move(pair.at_client);
  pair.use({certificate()});
  pair.connect();
  EXPECT_NE(pair.at_client->facts().peer.fingerprint, before);
  const auto talk = [](Stream& from) -> asio::awaitable<void> { co_await from.write_all("hello"); };
  const auto listen = [](Stream& to) -> asio::awaitable<void> {
    const std::string got = co_await testing::read(to, 5);
    EXPECT_EQ(got, "hello");
  };
  pair.run(talk(*server), listen(*client));
}

TEST(TlsContext, ACertificateAuthorityThatCantBeReadChangesNothing) {
  TlsPair pair;
  const auto refused =
      pair.server.use({.certificates = {certificate()}, .hostname = "mx.test", .client_ca = "/nonexistent"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("/nonexistent can't be used"));
  pair.connect();
  EXPECT_FALSE(pair.client.trust("/nonexistent"));
}

// What a client may resume, once it has read something.
TlsSession session_of(TlsPair& pair, int version, TlsSession resume = {}) {
  TlsSession given;
  pair.connect({.server_name = "mx.test",
                .session = std::move(resume),
                .on_session = [&given](TlsSession session) { given = std::move(session); },
                .only_version = version});
  const auto talk = [](Stream& from) -> asio::awaitable<void> { co_await from.write_all("x"); };
  const auto listen = [](Stream& to) -> asio::awaitable<void> { co_await testing::read(to, 1); };
  pair.run(talk(*pair.at_server), listen(*pair.at_client));
  return version == TLS1_2_VERSION ? pair.at_client->session() : given;
}

TEST(TlsContext, TicketsAreTakenAgainAlsoWithNewCertificatesUntilTheirKeysAreGone) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsPair pair;
    auto session = session_of(pair, version);
    EXPECT_FALSE(pair.at_server->facts().resumed);
    pair.use({certificate()});
    session = session_of(pair, version, session);
    EXPECT_TRUE(pair.at_server->facts().resumed);
    EXPECT_TRUE(pair.at_client->facts().has_peer);
    pair.clock.advance(TlsTickets::kPeriod);
    auto renewed = session_of(pair, version, session);
    EXPECT_TRUE(pair.at_server->facts().resumed);
    pair.clock.advance(2 * TlsTickets::kPeriod);
    session_of(pair, version, renewed);
    EXPECT_FALSE(pair.at_server->facts().resumed);
  }
}

TEST(TlsContext, HandshakesAtATimeAreBounded) {
  TlsPair pair;
  auto first = pair.server.begin_handshake(2);
  auto second = pair.server.begin_handshake(2);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(pair.server.begin_handshake(2));
  first.reset();
  EXPECT_TRUE(pair.server.begin_handshake(2));
}

TEST(TlsContext, NoCertificateOfAClientIsAskedForOrFailsTheHandshake) {
  TlsPair pair;
  pair.connect();
  EXPECT_FALSE(pair.at_server->facts().has_peer);
}

TEST(TlsContext, ACertificateIsNotedAndFailsNoHandshake) {
  TlsPair pair;
  pair.use({certificate({.names = {"mx.test", "a.other.test"}, .from = -7200, .until = -3600})});
  pair.connect();
  const auto facts = pair.at_client->facts();
  EXPECT_FALSE(facts.peer.trusted);
  EXPECT_FALSE(facts.peer.distrust.empty());
  EXPECT_EQ(facts.peer.subject, "CN = test");
  EXPECT_TRUE(pair.at_client->peer_is_one_of({"mx.test"}));
  EXPECT_TRUE(pair.at_client->peer_is_one_of({"no.test", ".other.test"}));
  EXPECT_FALSE(pair.at_client->peer_is_one_of({"other.test", "test"}));
  EXPECT_FALSE(pair.at_client->peer_is_one_of({}));
  EXPECT_EQ(pair.at_client->chain().size(), 1u);
}

TEST(TlsContext, WhoIsTrustedIsSaidByAFile) {
  const testing::Folder folder;
  const auto pem = testing::make_certificate();
  const auto files = folder.write("own", pem);
  TlsPair pair;
  pair.use({*TlsCertificate::read(files)});
  pair.connect();
  EXPECT_FALSE(pair.at_client->facts().peer.trusted);
  ASSERT_TRUE(pair.client.trust(files.certificate));
  pair.connect();
  EXPECT_TRUE(pair.at_client->facts().peer.trusted) << pair.at_client->facts().peer.distrust;
}

}  // namespace
}  // namespace postrider::net
