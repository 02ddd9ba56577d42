#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deliver/testing/client_house.hpp"

namespace postrider::deliver {
namespace {

using config::TlsLevel;
using testing::ClientHouse;
using ::testing::HasSubstr;

constexpr const char* kOffer = "250-mx.there.test\r\n250 STARTTLS\r\n";
const std::string kTaken = "250 ok\r\n";

class ClientTlsTest : public ::testing::Test {
 protected:
  ClientTlsTest() {
    house_.add("bob@there.test");
    house_.terms.tls = &client_;
    house_.terms.memory = &memory_;
  }
  ClientHouse::Said converse(TlsLevel level, std::deque<std::string> server) {
    house_.terms.policy = {.level = level, .names = {"there.test"}, .why = "route there.test"};
    return house_.converse(std::move(server));
  }
  std::string text(const ClientHouse::Said& said) { return said.refusal ? said.refusal->text : "none"; }

  net::TlsClient client_;
  TlsMemory memory_;
  ClientHouse house_;
};

TEST_F(ClientTlsTest, GoesOnInClearWhereItMayAndTlsIsNotOffered) {
  const auto said =
      converse(TlsLevel::may, {"220 hi\r\n", "250 mx.there.test\r\n", kTaken, kTaken, "354 go\r\n", kTaken});
  EXPECT_EQ(said.refusal, std::nullopt);
  EXPECT_THAT(said.heard, ::testing::StartsWith("EHLO mx.here.test\r\nMAIL FROM"));
}

TEST_F(ClientTlsTest, RefusesAServerThatOffersNoneWhereItIsWanted) {
  for (const auto level : {TlsLevel::encrypt, TlsLevel::verify}) {
    const auto said = converse(level, {"220 hi\r\n", "250 mx.there.test\r\n"});
    ASSERT_TRUE(said.refusal);
    EXPECT_EQ(said.refusal->code, 451);
    EXPECT_EQ(said.refusal->enhanced->to_string(), "4.7.4");
    EXPECT_EQ(said.refusal->text, "the server does not offer TLS, and route there.test wants it");
  }
}

TEST_F(ClientTlsTest, GoesOnOnTheSameConnectionWhereStarttlsIsRefusedAndItMay) {
  const auto said = converse(
      TlsLevel::may, {"220 hi\r\n", kOffer, "454 4.7.0 not now\r\n", kTaken, kTaken, "354 go\r\n", kTaken});
  EXPECT_EQ(said.refusal, std::nullopt);
  EXPECT_THAT(said.heard, ::testing::StartsWith("EHLO mx.here.test\r\nSTARTTLS\r\nMAIL FROM"));
  EXPECT_EQ(text(converse(TlsLevel::encrypt, {"220 hi\r\n", kOffer, "454 4.7.0 not now\r\n"})),
            "the server answers STARTTLS with 454 4.7.0 not now, and route there.test wants it");
}

TEST_F(ClientTlsTest, TakesNothingThatWasSaidInClearBehindTheGoAhead) {
  const auto said =
      converse(TlsLevel::may, {"220 hi\r\n", kOffer, "220 go\r\n250-evil\r\n250 PIPELINING\r\n"});
  ASSERT_TRUE(said.refusal);
  EXPECT_EQ(said.refusal->enhanced->to_string(), "4.7.5");
  EXPECT_EQ(text(said), "TLS with the server failed: octets in clear behind the reply to STARTTLS");
  EXPECT_EQ(said.heard, "EHLO mx.here.test\r\nSTARTTLS\r\n");
}

TEST_F(ClientTlsTest, SaysWhyAHandshakeFailed) {
  const auto garbage =
      converse(TlsLevel::encrypt, {"220 hi\r\n", kOffer, "220 go\r\n", "this is no handshake\r\n"});
  EXPECT_THAT(text(garbage), HasSubstr("TLS with the server failed: "));
  EXPECT_FALSE(garbage.usable);
  EXPECT_EQ(text(converse(TlsLevel::encrypt, {"220 hi\r\n", kOffer, "220 go\r\n"})),
            "TLS with the server failed: the server closed the connection");
  EXPECT_THAT(garbage.transcript, HasSubstr("[TLS failed: "));
}

TEST(TlsMemory, ForgetsWhoseTlsIsBrokenAndGivesASessionOnce) {
  TlsMemory memory;
  const base::SteadyTime now{};
  memory.note_broken("mx", now);
  EXPECT_TRUE(memory.is_broken("mx", now + TlsMemory::kBroken - std::chrono::seconds(1)));
  EXPECT_FALSE(memory.is_broken("other", now));
  EXPECT_FALSE(memory.is_broken("mx", now + TlsMemory::kBroken));
  EXPECT_EQ(memory.take_session("mx"), nullptr);
}

}  // namespace
}  // namespace postrider::deliver
