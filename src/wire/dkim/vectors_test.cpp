// Signatures, keys and records of others: $POSTRIDER_VECTORS/dkim-mail-auth and dkim-dkimpy.
#include "wire/dkim/testing/vectors.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "wire/base64.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::wire::dkim {
namespace {

namespace fs = std::filesystem;
using namespace testing;

std::string dkimpy(std::string_view name) { return read_file(vectors("dkim-dkimpy/") + std::string(name)); }

std::string dkimpy_record(std::string_view name) {
  std::string text = dkimpy(name);
  return text.substr(0, text.find_last_not_of("\r\n") + 1);
}

// Lines of "NAME RECORD", a blank line, the message.
std::vector<Verdict> verify_mail_auth(const fs::path& file, base::UtcTime now) {
  const std::string text = with_crlf(read_file(file));
  const std::size_t blank = text.find("\r\n\r\n");
  Keys keys;
  std::istringstream lines(text.substr(0, blank));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    keys[line.substr(0, line.find(' '))].push_back(line.substr(line.find(' ') + 1));
  }
  return verify(text.substr(blank + 4), keys, now);
}

TEST(DkimVectors, OfMailAuthVerify) {
  if (!fs::exists(vectors("dkim-mail-auth"))) GTEST_SKIP() << "vectors missing: dkim-mail-auth";
  const base::UtcTime now(std::chrono::seconds(1667843664));
  int files = 0, passed = 0;
  for (const auto& file : fs::directory_iterator(vectors("dkim-mail-auth"))) {
    if (file.path().filename() == "SOURCE.txt") continue;
    ++files;
    for (const Verdict& verdict : verify_mail_auth(file.path(), now)) {
      EXPECT_EQ(verdict.result, Result::pass) << file.path() << ": " << verdict.why;
      ++passed;
    }
  }
  EXPECT_EQ(files, 6);
  EXPECT_EQ(passed, 8);
  // 005.txt expires the next day.
  const auto late = verify_mail_auth(vectors("dkim-mail-auth/005.txt"), now + std::chrono::days(60));
  EXPECT_EQ(results(late), std::vector{Result::policy});
}

class DkimpyVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(vectors("dkim-dkimpy"))) GTEST_SKIP() << "vectors missing: dkim-dkimpy";
  }
};

TEST_F(DkimpyVectors, SignedMessagesVerify) {
  const Keys keys = {
      {"test._domainkey.football.example.com", {dkimpy_record("test.txt")}},
      {"brisbane._domainkey.football.example.com", {dkimpy_record("ed25519test.dns")}},
      {"sed._domainkey.test.ex", {dkimpy_record("eximtest.dns")}},
  };
  Keys with_brisbane = keys;
  with_brisbane["brisbane._domainkey.football.example.com"] = {
      "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="};
  const auto verified = [](std::string_view name, const Keys& dns) {
    return results(verify(with_crlf(dkimpy(name)), dns));
  };
  EXPECT_EQ(verified("rfc6376.signed.msg", with_brisbane), (std::vector{Result::pass, Result::pass}));
  // Another key than the one that signed.
  EXPECT_EQ(verified("rfc6376.signed.msg", keys), (std::vector{Result::fail, Result::pass}));
  EXPECT_EQ(verified("rfc6376.signed.rsa.msg", keys), std::vector{Result::pass});
  EXPECT_EQ(verified("ed25519test2.msg", keys), std::vector{Result::pass});
  EXPECT_EQ(verified("test.message.baddomain", keys), std::vector{Result::neutral});
  EXPECT_EQ(verified("message.mbox", keys), std::vector{Result::permerror});
  EXPECT_EQ(verified("test_nofrom.message", keys), std::vector<Result>{});
}

TEST_F(DkimpyVectors, RecordsAreReadOrRefused) {
  const auto key_of = [](std::string_view name) -> std::string {
    const KeyAnswer answer{KeyAnswer::Kind::found, {dkimpy_record(name)}, {}};
    const auto key = choose_key(Algorithm::rsa_sha256, answer);
    return key ? std::string(to_string(key->record.type)) + std::to_string(key->key.bits()) : key.error().why;
  };
  EXPECT_EQ(key_of("test.txt"), "rsa1024");
  EXPECT_EQ(key_of("test2.txt"), "rsa1024");
  EXPECT_EQ(key_of("1024_testkey_wo_markers.pub.txt"), "rsa1024");
  EXPECT_EQ(key_of("1024_testkey_wo_markers.pub.rsa.txt"), "rsa1024");
  EXPECT_EQ(key_of("2048_testkey_wo_markers.pub.txt"), "rsa2048");
  EXPECT_EQ(key_of("2048_testkey_wo_markers.pub.rsa.txt"), "rsa2048");
  EXPECT_EQ(key_of("2048_testkey_PKCS8.key.pub.txt"), "rsa2048");
  EXPECT_EQ(key_of("badk.txt"), "the key record can't be read: k= is unknown");
  EXPECT_EQ(key_of("badversion.txt"), "the key record can't be read: v= is not DKIM1, or not the first");
  EXPECT_EQ(key_of("test_bad.txt"), "the key record has no RSA key");
  EXPECT_EQ(key_of("test_tlsrpt.txt"), "the key's s= does not allow mail");
  EXPECT_EQ(key_of("ed25519test.dns"), "the key is of another type than a= says");
  EXPECT_EQ(key_of("eximtest.dns"), "the key is of another type than a= says");
}

// The octets of an Ed25519 key in base64, as dkimpy keeps them, become PKCS #8. RFC 8410 7
std::string pem_of_ed25519(std::string_view seed) {
  const std::string der = "\x30\x2e\x02\x01" + std::string(1, '\0') +
                          "\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20" + from_base64(seed).value();
  return "-----BEGIN PRIVATE KEY-----\n" + to_base64(der) + "\n-----END PRIVATE KEY-----\n";
}

// Each key signs each message, in each canonicalization, and the record that belongs to it verifies it.
TEST_F(DkimpyVectors, KeysSignAndTheirRecordsVerify) {
  const auto domain = mail::Domain::parse("example.com").value();
  const auto pem = [](std::string_view name) { return PrivateKey::from_pem(dkimpy(name)).value(); };
  const auto seed = [](std::string_view name) {
    return PrivateKey::from_pem(pem_of_ed25519(dkimpy_record(name))).value();
  };
  const std::vector<std::pair<PrivateKey, std::string>> pairs = {
      {pem("1024_testkey.key"), dkimpy_record("1024_testkey_wo_markers.pub.txt")},
      {pem("1024_testkey.key"), dkimpy_record("1024_testkey_wo_markers.pub.rsa.txt")},
      {pem("2048_testkey.key"), dkimpy_record("2048_testkey_wo_markers.pub.txt")},
      {pem("2048_testkey.key"), dkimpy_record("2048_testkey_wo_markers.pub.rsa.txt")},
      {pem("2048_testkey_PKCS8.key"), dkimpy_record("2048_testkey_PKCS8.key.pub.txt")},
      {pem("test.private"), dkimpy_record("test.txt")},
      {pem("test2.private"), dkimpy_record("test2.txt")},
      {seed("ed25519test.key"), dkimpy_record("ed25519test.dns")},
      {seed("rfc8032_7_1.key"), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}};
  int verified = 0;
  for (const auto& [key, record] : pairs) {
    for (const char* name : {"test.message", "test_extra.message", "test2.message", "rfc6376.msg",
                             "rfc6376.w1258.msg", "ed25519test.msg", "test_nofrom.message"}) {
      for (const auto form : {Canonicalization::simple, Canonicalization::relaxed}) {
        const std::string message = signed_by(with_crlf(dkimpy(name)), {{domain, "s", key}},
                                              {.header = form, .body = form, .now = {}});
        const auto verdicts = verify(message, {{"s._domainkey.example.com", {record}}});
        EXPECT_EQ(verdicts.front().result, Result::pass) << name << ": " << verdicts.front().why;
        ++verified;
      }
    }
  }
  EXPECT_EQ(verified, 9 * 7 * 2);
}

}  // namespace
}  // namespace postrider::wire::dkim
