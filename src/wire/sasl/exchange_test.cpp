#include "wire/sasl/exchange.hpp"

#include <gtest/gtest.h>

#include "wire/base64.hpp"

namespace postrider::wire::sasl {
namespace {

using namespace std::string_literals;

std::unique_ptr<Exchange> exchange(Mechanism mechanism, std::string channel_binding = {}) {
  return make_exchange(
      mechanism, {.nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", .channel_binding = std::move(channel_binding)});
}

// What a step is, in one word and its values.
std::string told(const Step& step) {
  struct Tell {
    std::string operator()(const Challenge& it) { return "challenge " + it.octets; }
    std::string operator()(const CheckPassword& it) { return "password " + it.login + ' ' + it.password; }
    std::string operator()(const FindKeys& it) { return "keys " + it.login; }
    std::string operator()(const CheckProof& it) {
      return "proof " + it.auth_message + ' ' + to_base64(it.proof);
    }
    std::string operator()(const CheckToken& it) { return "token " + it.login + ' ' + it.token; }
    std::string operator()(const CheckCertificate& it) { return "certificate " + it.login; }
    std::string operator()(const Success&) { return "success"; }
    std::string operator()(const Refused& it) { return "refused " + it.why; }
    std::string operator()(const Malformed&) { return "malformed"; }
  };
  return std::visit(Tell{}, step);
}

std::string first(Mechanism mechanism, std::string initial) {
  return told(exchange(mechanism)->begin(std::move(initial)));
}

TEST(Sasl, MechanismsAreKnownByTheirNames) {
  for (std::size_t i = 0; i < kMechanisms; ++i) {
    const auto mechanism = static_cast<Mechanism>(i);
    EXPECT_EQ(parse_mechanism(to_string(mechanism)), mechanism);
  }
  EXPECT_EQ(parse_mechanism("CRAM-MD5"), std::nullopt);
  EXPECT_EQ(to_string(Mechanism::scram_sha_256_plus), "SCRAM-SHA-256-PLUS");
}

// RFC 4616 4
TEST(Plain, TakesTheExamples) {
  EXPECT_EQ(first(Mechanism::plain, "\0tim\0tanstaaftanstaaf"s), "password tim tanstaaftanstaaf");
  EXPECT_EQ(first(Mechanism::plain, "Ursel\0Kurt\0xipj3plmq"s), "refused acting for another");
  const auto plain = exchange(Mechanism::plain);
  EXPECT_EQ(told(plain->begin({})), "challenge ");
  EXPECT_EQ(told(plain->respond("\0tim\0tanstaaftanstaaf"s)), "password tim tanstaaftanstaaf");
  EXPECT_EQ(told(plain->answer(Granted{})), "success");
}

TEST(Plain, TakesOneselfToActFor) {
  EXPECT_EQ(first(Mechanism::plain, "Tim@example.test\0tim@example.test\0secret"s),
            "password tim@example.test secret");
}

TEST(Plain, RefusesWhatIsNotItsForm) {
  for (const auto& message :
       {""s, "tim"s, "\0tim"s, "\0tim\0"s, "\0\0secret"s, "\0tim\0sec\0ret"s, "\0tim\0\xff"s,
        "\xff\0tim\0secret"s, "\0"s + std::string(256, 'x') + "\0secret"s,
        "\0tim\0"s + std::string(256, 'x')})
    EXPECT_EQ(first(Mechanism::plain, message), "malformed") << message;
}

TEST(Login, AsksForUserAndPassword) {
  const auto login = exchange(Mechanism::login);
  EXPECT_EQ(told(login->begin({})), "challenge Username:");
  EXPECT_EQ(told(login->respond("tim")), "challenge Password:");
  EXPECT_EQ(told(login->respond("secret")), "password tim secret");
  EXPECT_EQ(told(login->answer(Denied{})), "refused wrong credentials");
}

TEST(Login, TakesTheUserAsInitialResponse) {
  const auto login = exchange(Mechanism::login);
  EXPECT_EQ(told(login->begin("tim")), "challenge Password:");
  EXPECT_EQ(told(login->respond("")), "malformed");
}

// RFC 4422 Appendix A
TEST(External, AsksWhoseTheCertificateIs) {
  EXPECT_EQ(first(Mechanism::external, ""), "certificate ");
  EXPECT_EQ(first(Mechanism::external, "fred@example.com"), "certificate fred@example.com");
  EXPECT_EQ(first(Mechanism::external, "fred\0x"s), "malformed");
  EXPECT_EQ(told(exchange(Mechanism::external)->begin({})), "challenge ");
}

// --- SCRAM ---

constexpr const char* kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const Keys kKeys{from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096};
const std::string kNonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string kProof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

// RFC 7677 3
TEST(Scram, TakesTheExample) {
  const auto scram = exchange(Mechanism::scram_sha_256);
  EXPECT_EQ(told(scram->begin(kClientFirst)), "keys user");
  const std::string server_first = "r=" + kNonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
  EXPECT_EQ(told(scram->answer(kKeys)), "challenge " + server_first);
  EXPECT_EQ(told(scram->respond("c=biws,r=" + kNonce + ",p=" + kProof)),
            "proof n=user,r=rOprNGfwEbeRWgbNEkqO," + server_first + ",c=biws,r=" + kNonce + ' ' + kProof);
  const auto signature = from_base64("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").value();
  EXPECT_EQ(told(scram->answer(Granted{signature})),
            "challenge v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  EXPECT_EQ(told(scram->respond("")), "success");
}

TEST(Scram, RefusesAWrongProof) {
  const auto scram = exchange(Mechanism::scram_sha_256);
  scram->begin(kClientFirst);
  scram->answer(kKeys);
  scram->respond("c=biws,r=" + kNonce + ",p=" + kProof);
  EXPECT_EQ(told(scram->answer(Denied{})), "refused wrong credentials");
}

TEST(Scram, RefusesAnotherNonceAndAnotherBeginning) {
  const auto last = [](const std::string& message) {
    const auto scram = exchange(Mechanism::scram_sha_256);
    scram->begin(kClientFirst);
    scram->answer(kKeys);
    return told(scram->respond(message));
  };
  EXPECT_EQ(last("c=biws,r=" + kNonce + "x,p=" + kProof), "refused another nonce");
  EXPECT_EQ(last("c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" + kProof), "refused another nonce");
  EXPECT_EQ(last("c=eSws,r=" + kNonce + ",p=" + kProof), "refused another channel");
  EXPECT_EQ(last("c=biws,r=" + kNonce), "malformed");
  EXPECT_EQ(last("c=biws,r=" + kNonce + ",p=!"), "malformed");
  EXPECT_EQ(last("r=" + kNonce + ",c=biws,p=" + kProof), "malformed");
  EXPECT_EQ(last(""), "malformed");
}

TEST(Scram, RefusesWhatIsNotItsForm) {
  for (const auto* message :
       {"", "n", "n,", "n,,", "n,,n=user", "n,,r=abc,n=user", "n,,n=,r=abc",
        "n,,n=user,r=", "x,,n=user,r=abc", "p=,,n=user,r=abc", "n,b=x,n=user,r=abc", "n,a=,n=user,r=abc",
        "n,,m=ext,n=user,r=abc", "n,,n=us=er,r=abc", "n,,n=user,r=a\tc", "nn,,n=user,r=abc"})
    EXPECT_EQ(first(Mechanism::scram_sha_256, message), "malformed") << message;
}

TEST(Scram, ReadsCommasAndEqualsSignsInNames) {
  EXPECT_EQ(first(Mechanism::scram_sha_256, "n,a=a=2Cb=3D,n=a=2Cb=3D,r=abc"), "keys a,b=");
  EXPECT_EQ(first(Mechanism::scram_sha_256, "n,a=other,n=user,r=abc"), "refused acting for another");
}

TEST(ScramPlus, BindsToTheChannel) {
  const std::string channel(32, '\x5a');
  const auto last = [&](const std::string& binding) {
    const auto scram = exchange(Mechanism::scram_sha_256_plus, channel);
    EXPECT_EQ(told(scram->begin("p=tls-exporter,,n=user,r=abc")), "keys user");
    scram->answer(kKeys);
    return told(
        scram->respond("c=" + to_base64(binding) + ",r=abc%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" + kProof));
  };
  EXPECT_TRUE(last("p=tls-exporter,," + channel).starts_with("proof n=user,r=abc,"))
      << last("p=tls-exporter,," + channel);
  EXPECT_EQ(last("p=tls-exporter,," + std::string(32, '\x5b')), "refused another channel");
  EXPECT_EQ(last("p=tls-exporter,,"), "refused another channel");
}

// RFC 5802 6
TEST(ScramPlus, RefusesOtherBindingsAndDowngrades) {
  const std::string channel(32, '\x5a');
  const auto begun = [&](Mechanism mechanism, const std::string& header) {
    return told(exchange(mechanism, channel)->begin(header + "n=user,r=abc"));
  };
  EXPECT_EQ(begun(Mechanism::scram_sha_256_plus, "p=tls-unique,,"), "refused channel binding tls-unique");
  EXPECT_EQ(begun(Mechanism::scram_sha_256_plus, "n,,"), "refused PLUS without a channel binding");
  EXPECT_EQ(begun(Mechanism::scram_sha_256, "p=tls-exporter,,"), "refused a channel binding without PLUS");
  EXPECT_EQ(begun(Mechanism::scram_sha_256, "y,,"), "refused downgraded from PLUS");
  EXPECT_EQ(begun(Mechanism::scram_sha_256, "n,,"), "keys user");
  // Where PLUS could not be offered, the client was right.
  EXPECT_EQ(first(Mechanism::scram_sha_256, "y,,n=user,r=abc"), "keys user");
}

// --- tokens ---

const std::string kToken = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

// RFC 7628 4.1
TEST(OauthBearer, TakesTheExample) {
  const std::string message =
      "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
      "auth=Bearer " +
      kToken + "\x01\x01";
  EXPECT_EQ(first(Mechanism::oauthbearer, message), "token user@example.com " + kToken);
  EXPECT_EQ(first(Mechanism::oauthbearer,
                  "n,,\x01"
                  "auth=bearer  abc\x01\x01"),
            "token  abc");
}

// RFC 7628 3.2.3
TEST(OauthBearer, TellsWhyAndHearsTheClientBeforeItRefuses) {
  const auto bearer = exchange(Mechanism::oauthbearer);
  bearer->begin(
      "n,,\x01"
      "auth=Bearer abc\x01\x01");
  EXPECT_EQ(told(bearer->answer(Denied{})), R"(challenge {"status":"invalid_token"})");
  EXPECT_EQ(told(bearer->respond("\x01")), "refused a token that is not taken");
}

// RFC 7628 4.3
TEST(OauthBearer, AnswersWhoAsksWhatIsNeeded) {
  EXPECT_EQ(first(Mechanism::oauthbearer, "n,a=user@example.com,\x01\x01"),
            R"(challenge {"status":"invalid_token"})");
}

TEST(OauthBearer, RefusesWhatIsNotItsForm) {
  for (const auto& message : {""s, "n,,"s, "n,,auth=Bearer abc\x01\x01"s,
                              "n,,\x01"
                              "auth=Bearer abc\x01"s,
                              "n,,\x01"
                              "auth=Bearer abc"s,
                              "n,,\x01"
                              "auth=Basic abc\x01\x01"s,
                              "n,,\x01"
                              "auth=Bearer a b\x01\x01"s,
                              "n,,\x01"
                              "auth=Bearer \x01\x01"s,
                              "n,,\x01"
                              "auth=Bearer abc\x01\x01x"s,
                              "n,,\x01"
                              "auth=Bearer a\x01"
                              "auth=Bearer b\x01\x01"s,
                              "n,,\x01=x\x01\x01"s})
    EXPECT_EQ(first(Mechanism::oauthbearer, message), "malformed") << message;
  EXPECT_EQ(first(Mechanism::oauthbearer,
                  "p=tls-exporter,,\x01"
                  "auth=Bearer abc\x01\x01"),
            "refused a channel binding without PLUS");
}

TEST(Xoauth2, TakesUserAndToken) {
  const auto bearer = exchange(Mechanism::xoauth2);
  EXPECT_EQ(told(bearer->begin("user=someuser@example.com\x01"
                               "auth=Bearer ya29.vF9dft4qmTc2\x01\x01")),
            "token someuser@example.com ya29.vF9dft4qmTc2");
  EXPECT_EQ(told(bearer->answer(Denied{})), R"(challenge {"status":"401","schemes":"bearer","scope":""})");
  EXPECT_EQ(told(bearer->respond("")), "refused a token that is not taken");
  EXPECT_EQ(first(Mechanism::xoauth2, "auth=Bearer abc\x01\x01"), "malformed");
}

}  // namespace
}  // namespace postrider::wire::sasl
