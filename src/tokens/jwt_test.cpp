#include "tokens/jwt.hpp"

#include <gtest/gtest.h>

#include "wire/base64.hpp"

namespace postrider::tokens {
namespace {

// RFC 7515 A.2, RFC 7515 A.3, RFC 8037 A.2
const std::string kRsa =
    R"({"kty":"RSA","kid":"rsa","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
const std::string kEc =
    R"({"kty":"EC","kid":"ec","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
const std::string kEd = R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

const std::string kClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const std::string kRs256 =
    "eyJhbGciOiJSUzI1NiJ9." + kClaims +
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
    "IoypGlUPQGe77Rw";
const std::string kEs256 =
    "eyJhbGciOiJFUzI1NiJ9." + kClaims +
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const std::string kEdDsa =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

std::string set_of(const std::string& keys) { return R"({"keys":[)" + keys + "]}"; }

bool verified(const std::string& keys, const std::string& token) {
  return KeySet::parse(set_of(keys)).value().verify(parse_jws(token).value());
}

TEST(Jwt, SignaturesOfTheExamplesAreGood) {
  EXPECT_TRUE(verified(kRsa, kRs256));
  EXPECT_TRUE(verified(kEc, kEs256));
  EXPECT_TRUE(verified(kEd, kEdDsa));
  EXPECT_TRUE(verified(kRsa + ',' + kEc + ',' + kEd, kEs256));
}

TEST(Jwt, SignaturesOfOthersAreNot) {
  EXPECT_FALSE(verified(kRsa + ',' + kEd, kEs256));
  for (auto token : {kRs256, kEs256, kEdDsa}) {
    auto other = token;
    const auto dot = other.find('.');
    other[dot + 4] = other[dot + 4] == 'A' ? 'B' : 'A';  // in the payload
    EXPECT_FALSE(verified(kRsa + ',' + kEc + ',' + kEd, other));
    const auto mark = token.rfind('.');
    token[mark + 4] = token[mark + 4] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verified(kRsa + ',' + kEc + ',' + kEd, token));
  }
}

TEST(Jwt, KeysAreChosenByTheirNames) {
  auto jws = parse_jws(kEs256).value();
  jws.key_id = "ec";
  const auto keys = KeySet::parse(set_of(kEc)).value();
  EXPECT_TRUE(keys.verify(jws));
  jws.key_id = "rsa";
  EXPECT_FALSE(keys.verify(jws));
  EXPECT_TRUE(keys.has("ec"));
  EXPECT_FALSE(keys.has("rsa"));
}

TEST(Jwt, RefusesWhatIsNoProof) {
  const auto token = [](const std::string& header) {
    return wire::to_base64url(header) + '.' + kClaims + '.' + wire::to_base64url("x");
  };
  EXPECT_EQ(parse_jws(token(R"({"alg":"none"})")).error().log, "a token with the algorithm \"none\"");
  EXPECT_FALSE(parse_jws(token(R"({"alg":"HS256"})")));
  EXPECT_EQ(parse_jws(token(R"({"alg":"ES256","crit":["exp"]})")).error().log,
            "a token with critical extensions");
  for (const auto& bad : {std::string("a"), std::string("a.b"), kEs256 + ".x", kEs256 + "=", token("[]"),
                          token("{"), std::string(kMostToken + 1, 'x')})
    EXPECT_FALSE(parse_jws(bad)) << bad;
}

TEST(Jwt, KeySetLeavesOutWhatItCantUse) {
  const std::string weak =
      R"({"kty":"RSA","n":")" + wire::to_base64url(std::string(128, '\x81')) + R"(","e":"AQAB"})";
  const std::string off_curve =
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})";
  std::string encrypts = kEc;
  encrypts.insert(1, R"("use":"enc",)");
  std::string other = kEc;
  other.insert(1, R"("alg":"ES384",)");
  for (const auto& key : {weak, off_curve, encrypts, other, std::string("{}"), std::string("1"),
                          std::string(R"({"kty":"oct","k":"AyM1"})")}) {
    EXPECT_FALSE(KeySet::parse(set_of(key))) << key;
    EXPECT_EQ(KeySet::parse(set_of(key + ',' + kEd)).value().size(), 1u);
  }
  for (const auto* text : {"", "{}", "[]", R"({"keys":{}})", R"({"keys":[]})"})
    EXPECT_FALSE(KeySet::parse(text));
}

// RFC 7519 4.1
TEST(Jwt, ClaimsAreJudged) {
  const base::UtcTime now(std::chrono::seconds(1'800'000'000));
  const Expected expected{.issuer = "https://id.test", .audience = "mail"};
  const auto judged = [&](const std::string& more, const std::string& exp = "1800000100") {
    const auto owner = judge_claims(
        R"({"iss":"https://id.test","email":"alice@example.test","exp":)" + exp + more + '}', expected, now);
    return owner ? owner->account : owner.error().log;
  };
  EXPECT_EQ(judged(R"(,"aud":"mail")"), "alice@example.test");
  EXPECT_EQ(judged(R"(,"aud":["web","mail"],"nbf":1800000059.5,"email_verified":true)"),
            "alice@example.test");
  EXPECT_EQ(judged(R"(,"aud":"mail")", "1799999941"), "alice@example.test");
  EXPECT_EQ(judged(R"(,"aud":"mail")", "1799999940"), "an expired token");
  EXPECT_EQ(judged(R"(,"aud":"mail")", "\"never\""), "a token that never expires");
  EXPECT_EQ(judged(R"(,"aud":"mail","nbf":1800000061)"), "a token that is not valid yet");
  EXPECT_EQ(judged(R"(,"aud":["web"])"), "a token for another service");
  EXPECT_EQ(judged(""), "a token for another service");
  EXPECT_EQ(judged(R"(,"aud":"mail","email_verified":false)"), "an address that is not verified");
  EXPECT_EQ(judge_claims(R"({"iss":"https://other.test","exp":1800000100})", expected, now).error().log,
            "a token of another issuer");
  EXPECT_EQ(judge_claims(R"({"exp":1800000100})", {}, now).error().log,
            "a token without the claim \"email\"");
  EXPECT_EQ(judge_claims(R"({"exp":1800000100,"sub":"a@b.test"})",
                         {.issuer = {}, .audience = {}, .claim = "sub"}, now)
                .value()
                .account,
            "a@b.test");
}

}  // namespace
}  // namespace postrider::tokens
