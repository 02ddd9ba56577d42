#include "tokens/verifier.hpp"

#include <gmock/gmock.h>

#include <future>

#include "config/values.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"
#include "tokens/testing/host.hpp"
#include "wire/base64.hpp"

namespace postrider::tokens {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::Host;
using testing::ok;

// RFC 8037 A.1: the key; its private half signs nothing here, so that every signature is a stranger's.
std::string key_named(const std::string& id) {
  return R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":")" + id +
         R"(","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
}
std::string token_of(const std::string& key) {
  return wire::to_base64url(R"({"alg":"EdDSA","kid":")" + key + "\"}") + '.' + wire::to_base64url("{}") +
         '.' + wire::to_base64url(std::string(64, 'x'));
}
constexpr const char* kNobodySigned = "a token that none of the keys has signed";

class VerifierTest : public ::testing::Test {
 protected:
  // What the log would say, or the account.
  std::string ask(Verifier& verifier, const std::string& token) {
    std::promise<base::Result<Owner>> answered;
    verifier.check(token, [&](base::Result<Owner> owner) { answered.set_value(std::move(owner)); });
    const auto owner = answered.get_future().get();
    return owner ? owner->account : owner.error().log_text();
  }
  config::OAuth keys_at(const Host& host) {
    config::OAuth oauth;
    oauth.jwks = config::parse_url("http://127.0.0.1:" + std::to_string(host.port()) + "/").value();
    return oauth;
  }
  config::OAuth asking(const Host& host) {
    config::OAuth oauth;
    oauth.introspection = keys_at(host).jwks;
    oauth.client_id = "mail";
    oauth.client_secret = "a:b";
    return oauth;
  }
  Verifier make(config::OAuth oauth) {
    return {[oauth] { return oauth; }, {resolver_, tls_}, clock_};
  }

  sys::fake::Clock clock_;
  sys::fake::Resolver resolver_;
  net::TlsClient tls_;
};

TEST_F(VerifierTest, KeepsKeysForTenMinutes) {
  Host host({ok(key_named("one")), ok(key_named("one"))});
  auto verifier = make(keys_at(host));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(verifier, token_of("one")), kNobodySigned);
  EXPECT_EQ(host.heard().size(), 1u);
  clock_.advance(minutes(10));
  EXPECT_EQ(ask(verifier, token_of("one")), kNobodySigned);
  EXPECT_EQ(host.heard().size(), 2u);
}

TEST_F(VerifierTest, KeepsKeysAsLongAsTheirServerSays) {
  Host host({ok(key_named("one"), "Cache-Control: max-age=3600\r\n"), ok(key_named("one"))});
  auto verifier = make(keys_at(host));
  ask(verifier, token_of("one"));
  clock_.advance(minutes(59));
  ask(verifier, token_of("one"));
  EXPECT_EQ(host.heard().size(), 1u);
  clock_.advance(minutes(1));
  ask(verifier, token_of("one"));
  EXPECT_EQ(host.heard().size(), 2u);
}

TEST_F(VerifierTest, FetchesAKeyThatItDoesNotKnowButNotForEachToken) {
  Host host({ok(key_named("one")), ok(key_named("two"))});
  auto verifier = make(keys_at(host));
  ask(verifier, token_of("one"));
  for (int i = 0; i < 3; ++i) ask(verifier, token_of("two"));
  EXPECT_EQ(host.heard().size(), 1u);
  clock_.advance(seconds(30));
  for (int i = 0; i < 3; ++i) ask(verifier, token_of("two"));
  EXPECT_EQ(host.heard().size(), 2u);
}

TEST_F(VerifierTest, GoesOnWithOldKeysForADayWhereNewOnesCantBeHad) {
  const std::string broken = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
  Host host({ok(key_named("one")), broken, broken});
  auto verifier = make(keys_at(host));
  ask(verifier, token_of("one"));
  clock_.advance(minutes(11));
  EXPECT_EQ(ask(verifier, token_of("one")), kNobodySigned);
  EXPECT_EQ(host.heard().size(), 2u);
  clock_.advance(std::chrono::hours(24));
  EXPECT_THAT(ask(verifier, token_of("one")), HasSubstr("it answered with status 500"));
}

TEST_F(VerifierTest, AsksNotForEachTokenWhileKeysCantBeHad) {
  Host host("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
  auto verifier = make(keys_at(host));
  EXPECT_THAT(ask(verifier, token_of("one")), HasSubstr("it answered with status 500"));
  EXPECT_EQ(ask(verifier, token_of("one")), "the keys could not be had a moment ago");
  EXPECT_EQ(host.heard().size(), 1u);
}

// RFC 7662 2.1
TEST_F(VerifierTest, RemembersWhatAnIntrospectionSaidForAMinute) {
  const auto active = ok(R"({"active":true,"email":"alice@example.test"})");
  Host host({active, ok(R"({"active":false})"), active});
  auto verifier = make(asking(host));
  EXPECT_EQ(ask(verifier, "one"), "alice@example.test");
  EXPECT_EQ(ask(verifier, "one"), "alice@example.test");
  EXPECT_EQ(ask(verifier, "two"), "a token that is not active");
  EXPECT_EQ(host.heard().size(), 2u);
  EXPECT_THAT(host.heard()[0], HasSubstr("Authorization: Basic " + wire::to_base64("mail:a%3Ab") + "\r\n"));
  clock_.advance(seconds(60));
  EXPECT_EQ(ask(verifier, "one"), "alice@example.test");
  EXPECT_EQ(host.heard().size(), 3u);
}

TEST_F(VerifierTest, RemembersATokenNoLongerThanItIsGood) {
  const auto until = std::to_string(1'800'000'000 + 5);
  Host host(
      {ok(R"({"active":true,"email":"alice@example.test","exp":)" + until + '}'), ok(R"({"active":false})")});
  auto verifier = make(asking(host));
  EXPECT_EQ(ask(verifier, "one"), "alice@example.test");
  clock_.advance(seconds(5));
  EXPECT_EQ(ask(verifier, "one"), "a token that is not active");
}

TEST_F(VerifierTest, TakesNoAnswerForNone) {
  Host host({ok("{}"), ok("no JSON")});
  auto verifier = make(asking(host));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(verifier, "one"), "the introspection's answer has no \"active\"");
}

}  // namespace
}  // namespace postrider::tokens
