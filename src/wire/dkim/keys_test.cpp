#include "wire/dkim/keys.hpp"

#include <gtest/gtest.h>

#include "wire/base64.hpp"
#include "wire/dkim/der.hpp"
#include "wire/dkim/key_choice.hpp"
#include "wire/dkim/new_key.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::wire::dkim {
namespace {

const Digest kHash = sha256("hash");

std::string fault(KeyType type, std::string_view octets) {
  const auto key = PublicKey::parse(type, octets);
  return key ? "" : key.error();
}
std::string element(char tag, const std::string& content) {
  std::string out(1, tag);
  if (content.size() >= 128) {
    out += '\x82';
    out += static_cast<char>(content.size() >> 8);
  }
  return out + static_cast<char>(content.size() & 255) + content;
}
std::string rsa_key(const std::string& modulus, const std::string& exponent) {
  return element('\x30', element('\x02', modulus) + element('\x02', exponent));
}

TEST(DkimKeys, SignWhatTheirPublicHalfVerifies) {
  for (const SigningKey& pair : {testing::brisbane(), testing::test()}) {
    const auto key = PublicKey::parse(pair.key.type(), pair.key.public_octets());
    ASSERT_TRUE(key) << key.error();
    const std::string signature = pair.key.sign(kHash);
    EXPECT_EQ(signature, pair.key.sign(kHash));
    EXPECT_TRUE(key->verify(kHash, signature));
    EXPECT_FALSE(key->verify(sha256("other"), signature));
    EXPECT_FALSE(key->verify(kHash, signature.substr(1)));
    EXPECT_FALSE(key->verify(kHash, ""));
  }
  EXPECT_EQ(testing::brisbane().key.algorithm(), Algorithm::ed25519_sha256);
  EXPECT_EQ(testing::test().key.algorithm(), Algorithm::rsa_sha256);
  EXPECT_EQ(testing::test().key.bits(), 1024);
  // RFC 8463 Appendix A
  EXPECT_EQ(to_base64(testing::brisbane().key.public_octets()),
            "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(DkimKeys, AreMadeAnewOfBothTypes) {
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    const std::string pem = make_key(type);
    const auto key = PrivateKey::from_pem(pem);
    ASSERT_TRUE(key) << key.error().text;
    EXPECT_EQ(key->type(), type);
    EXPECT_EQ(key->bits(), type == KeyType::rsa ? 2048 : 256);
    EXPECT_NE(pem, make_key(type));
  }
  EXPECT_EQ(PrivateKey::from_pem(make_key(KeyType::rsa, 3072)).value().bits(), 3072);
}

TEST(DkimKeys, OfRsaHaveBounds) {
  const std::string modulus = '\x7f' + std::string(127, '\x55');
  EXPECT_EQ(fault(KeyType::rsa, rsa_key(modulus, "\x03")), "");
  EXPECT_EQ(fault(KeyType::rsa, rsa_key(modulus, '\x01' + std::string(8, '\x01'))),
            "an RSA key with a huge exponent");
  EXPECT_EQ(fault(KeyType::rsa, rsa_key('\x01' + std::string(1024, '\x55'), "\x03")),
            "an RSA key of more than 8192 bits");
  EXPECT_EQ(fault(KeyType::rsa, "abc"), "no RSA key");
  EXPECT_EQ(fault(KeyType::ed25519, modulus), "an Ed25519 key that has not 32 octets");
}

TEST(DkimKeys, OfRsaAreReadStrictly) {
  const std::string modulus = "\x7f\x55", good = rsa_key(modulus, "\x03");
  ASSERT_TRUE(parse_rsa_key(good));
  EXPECT_EQ(parse_rsa_key(good)->modulus, modulus);
  EXPECT_EQ(parse_rsa_key(good)->exponent, "\x03");
  EXPECT_EQ(parse_rsa_key(rsa_key(std::string("\0\x80", 2), "\x03"))->modulus, "\x80");
  const std::string algorithm =
      element('\x30', std::string("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13));
  const auto info = [](const std::string& its_algorithm, const std::string& bits) {
    return element('\x30', its_algorithm + element('\x03', bits));
  };
  EXPECT_TRUE(parse_rsa_key(info(algorithm, '\0' + good)));
  EXPECT_FALSE(parse_rsa_key(info(algorithm, '\1' + good)));
  EXPECT_FALSE(parse_rsa_key(info(algorithm, "")));
  EXPECT_FALSE(parse_rsa_key(info(algorithm, '\0' + good + "x")));
  EXPECT_FALSE(parse_rsa_key(info(algorithm, '\0' + info(algorithm, '\0' + good))));
  EXPECT_FALSE(parse_rsa_key(info(element('\x30', "\x05"), '\0' + good)));
  EXPECT_FALSE(parse_rsa_key(good + "x"));
  EXPECT_FALSE(parse_rsa_key(rsa_key("\x80", "\x03")));
  EXPECT_FALSE(parse_rsa_key(rsa_key(std::string("\0", 1), "\x03")));
  EXPECT_FALSE(parse_rsa_key(rsa_key(modulus, "")));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_rsa_key(good.substr(0, size)));
  EXPECT_FALSE(parse_rsa_key("\x30\x84\xff\xff\xff\xff"));
}

TEST(DkimKeys, ArePrivateOnlyInPemWithoutAPassphrase) {
  const auto refused = [](std::string_view pem) {
    const auto key = PrivateKey::from_pem(pem);
    return key ? "" : key.error().text;
  };
  EXPECT_EQ(refused(""), "no private key in PEM, or one with a passphrase");
  EXPECT_EQ(refused(std::string(70000, 'x')), "no private key: more than 64 KiB");
  EXPECT_EQ(
      refused(
          "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
          "-----END PRIVATE KEY-----\n"),
      "a private key that is neither RSA nor Ed25519");
}

NoKey refusal(std::vector<std::string> records, Algorithm algorithm = Algorithm::ed25519_sha256) {
  auto key = choose_key(algorithm, {KeyAnswer::Kind::found, std::move(records), {}});
  return key ? NoKey{.result = Result::pass, .why = "", .text = key->text} : key.error();
}

const std::string kRecord = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

// More of them than stay at hand, and longer ones.
TEST(DkimKeyChoice, GivesEachRecordItsOwnKeyHoweverOftenAndInWhateverOrder) {
  struct One {
    PrivateKey key;
    std::string record;
  };
  std::vector<One> all;
  for (std::size_t i = 0; i < 150; ++i) {
    auto key = PrivateKey::from_pem(make_key(KeyType::ed25519)).value();
    std::string record = write_key_record(KeyType::ed25519, key.public_octets());
    if (i % 50 == 0) record += "; n=" + std::string(5000 + i, 'x');
    all.push_back({std::move(key), std::move(record)});
  }
  for (const std::size_t step : {1, 7, 50, 1}) {
    for (std::size_t i = 0, at = 0; i < all.size(); ++i, at = (at + step) % all.size()) {
      const auto chosen =
          choose_key(Algorithm::ed25519_sha256, {KeyAnswer::Kind::found, {"none", all[at].record}, {}});
      ASSERT_TRUE(chosen);
      EXPECT_EQ(chosen->text, all[at].record);
      EXPECT_EQ(chosen->record.public_key, all[at].key.public_octets());
      EXPECT_TRUE(chosen->key.verify(kHash, all[at].key.sign(kHash)));
      EXPECT_FALSE(chosen->key.verify(kHash, all[(at + 1) % all.size()].key.sign(kHash)));
    }
  }
}

// RFC 6376 6.1.2
TEST(DkimKeyChoice, PassesOverRecordsThatAreNoKeys) {
  EXPECT_EQ(refusal({kRecord}).text, kRecord);
  EXPECT_EQ(refusal({"v=spf1 -all", kRecord, "verification=1"}).text, kRecord);
  EXPECT_EQ(refusal({"v=spf1 -all"}).why, "the key record can't be read: v= is not DKIM1, or not the first");
  EXPECT_EQ(refusal({"v=spf1 -all"}).result, Result::permerror);
  EXPECT_EQ(refusal({"v=spf1 -all"}).fault, Fault::malformed_key);
}

TEST(DkimKeyChoice, RefusesSeveralKeys) {
  EXPECT_EQ(refusal({kRecord, kRecord}).why, "there are several keys");
  EXPECT_EQ(refusal({kRecord, kRecord}).fault, Fault::several_keys);
  EXPECT_EQ(refusal({kRecord, "v=DKIM1; p="}).result, Result::permerror);
}

TEST(DkimKeyChoice, RefusesAKeyThatIsNotForThisSignature) {
  EXPECT_EQ(refusal({"v=DKIM1; k=ed25519; p="}).why, "the key was revoked");
  EXPECT_EQ(refusal({"v=DKIM1; k=ed25519; p="}).fault, Fault::revoked_key);
  EXPECT_EQ(refusal({kRecord}, Algorithm::rsa_sha256).fault, Fault::unfit_key);
  EXPECT_EQ(refusal({kRecord}, Algorithm::rsa_sha256).why, "the key is of another type than a= says");
  EXPECT_EQ(refusal({kRecord + "; h=sha1"}).why, "the key's h= does not allow sha256");
  EXPECT_EQ(refusal({kRecord + "; s=tlsrpt"}).why, "the key's s= does not allow mail");
  EXPECT_EQ(refusal({"v=DKIM1; k=ed25519; p=YWJj; t=y"}).why,
            "the key record has an Ed25519 key that has not 32 octets");
  EXPECT_TRUE(refusal({"v=DKIM1; k=ed25519; p=YWJj; t=y"}).testing);
}

// RFC 8301 3.2
TEST(DkimKeyChoice, HasAPolicyAgainstWeakKeys) {
  const std::string weak = rsa_key('\x7f' + std::string(127, '\x55'), "\x03");
  const auto none = refusal({write_key_record(KeyType::rsa, weak)}, Algorithm::rsa_sha256);
  EXPECT_EQ(none.result, Result::policy);
  EXPECT_EQ(none.why, "a key of 1023 bits is too weak");
  EXPECT_EQ(none.bits, 1023);
  EXPECT_EQ(none.fault, Fault::weak_key);
}

TEST(DkimKeyChoice, TellsNoAnswerFromNoKey) {
  const auto unavailable =
      choose_key(Algorithm::rsa_sha256, {KeyAnswer::Kind::unavailable, {}, "timeout"}).error();
  EXPECT_EQ(unavailable.result, Result::temperror);
  EXPECT_EQ(unavailable.fault, Fault::no_answer);
  EXPECT_EQ(choose_key(Algorithm::rsa_sha256, {}).error().fault, Fault::no_key);
  EXPECT_EQ(unavailable.why, "the key could not be looked up: timeout");
  EXPECT_EQ(choose_key(Algorithm::rsa_sha256, {}).error().why, "there is no key");
  EXPECT_EQ(choose_key(Algorithm::rsa_sha256, {}).error().result, Result::permerror);
}

}  // namespace
}  // namespace postrider::wire::dkim
