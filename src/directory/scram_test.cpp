#include "directory/scram.hpp"

#include <gtest/gtest.h>

#include <array>

namespace postrider::directory {
namespace {

// The exchange of RFC 7677 3.
const std::string kSalt = *from_base64("W22ZaJ0SNY7soEsUEjb6gQ==");
const std::string kAuthMessage =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string kProof = *from_base64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");

TEST(Scram, MakesTheKeysOfTheExampleOfRfc7677) {
  const ScramKeys keys = make_scram_keys("pencil", kSalt, 4096);
  EXPECT_EQ(keys.salt, kSalt);
  EXPECT_EQ(keys.iterations, 4096u);
  EXPECT_EQ(match_proof(std::array{keys}, kAuthMessage, kProof), 0u);
  EXPECT_EQ(to_base64(hmac_sha256(keys.server_key, kAuthMessage)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, FindsThePasswordThatAProofIsOf) {
  const std::array keys{make_scram_keys("pen", kSalt, 4096), make_scram_keys("pencil", kSalt, 4096),
                        make_scram_keys("pencils", kSalt, 4096)};
  EXPECT_EQ(match_proof(keys, kAuthMessage, kProof), 1u);
  EXPECT_EQ(match_proof(std::array{keys[0], keys[2]}, kAuthMessage, kProof), std::nullopt);
  EXPECT_EQ(match_proof(keys, kAuthMessage + "x", kProof), std::nullopt);
  EXPECT_EQ(match_proof(keys, kAuthMessage, kProof.substr(1)), std::nullopt);
  EXPECT_EQ(match_proof(keys, kAuthMessage, ""), std::nullopt);
}

TEST(Scram, WritesAndReadsItsKeysAsText) {
  const ScramKeys keys = make_scram_keys("pencil", kSalt, 4096);
  const std::string text = to_string(keys);
  EXPECT_TRUE(text.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")) << text;
  EXPECT_EQ(parse_scram_keys(text), keys);
  std::string few = text;
  few.replace(few.find("4096"), 4, "4095");
  std::string many = text;
  many.replace(many.find("4096"), 4, "10000001");
  for (const std::string& bad :
       {std::string(), std::string("SCRAM-SHA-256$"), text.substr(1), text + "A", few, many,
        std::string("SCRAM-SHA-256$4096:$:"), text.substr(0, text.size() - 4)})
    EXPECT_FALSE(parse_scram_keys(bad)) << bad;
}

TEST(Scram, ComputesWhatRfc4231Publishes) {
  const std::string digest = hmac_sha256("Jefe", "what do ya want for nothing?");  // RFC 4231 4.3
  EXPECT_EQ(to_base64(digest), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  EXPECT_EQ(to_base64(sha256("abc")), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

}  // namespace
}  // namespace postrider::directory
