// ValiMail's test suite for ARC: $POSTRIDER_VECTORS/arc-valimail.
#include "wire/dkim/testing/vectors.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>

#include "base/ascii.hpp"
#include "wire/arc/seal.hpp"
#include "wire/arc/validate.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::wire::arc {
namespace {

namespace testing = dkim::testing;

std::vector<YAML::Node> scenarios(std::string_view file) {
  return YAML::LoadAllFromFile(testing::vectors("arc-valimail/") + std::string(file));
}

testing::Keys keys_of(const YAML::Node& scenario) {
  testing::Keys keys;
  for (const auto& record : scenario["txt-records"])
    keys[record.first.as<std::string>()] = {record.second.as<std::string>()};
  return keys;
}

KeyOf lookup(const testing::Keys& keys) {
  return [&keys](const std::string& name) -> dkim::KeyAnswer {
    const auto found = keys.find(name);
    if (found == keys.end()) return {};
    return {dkim::KeyAnswer::Kind::found, found->second, {}};
  };
}

std::string message_of(const YAML::Node& test) {
  return test["message"].IsNull() ? std::string() : testing::with_crlf(test["message"].as<std::string>());
}

struct Judged {
  Verdict verdict;
  Chain chain;
  dkim::Digest relaxed_body;
};
Judged validate(std::string_view message, const testing::Keys& keys) {
  const auto [header, body] = testing::split(message);
  dkim::BodyHasher bodies;
  const auto pending = prepare_chain(dkim::HeaderIndex(header), bodies);
  const auto relaxed = bodies.want({dkim::Canonicalization::relaxed, {}});
  bodies.feed(body);
  bodies.finish();
  return {judge(pending, bodies, lookup(keys), {}), pending.chain, bodies.hash(relaxed).digest};
}

TEST(ArcVectors, ChainsAreValidatedAsTheyExpect) {
  if (!std::filesystem::exists(testing::vectors("arc-valimail")))
    GTEST_SKIP() << "vectors missing: arc-valimail";
  std::map<Status, int> counted;
  for (const auto& scenario : scenarios("arc-draft-validation-tests.yml")) {
    const auto keys = keys_of(scenario);
    for (const auto& test : scenario["tests"]) {
      const auto said = test.second["cv"].IsNull() ? std::string() : test.second["cv"].as<std::string>();
      // Three have no expectation. Their seals say cv=fail, or say it of the first hop: that is a fail by RFC 8617 5.2.
      const std::string expected = said.empty() ? "fail" : base::lower(said);
      const auto verdict = validate(message_of(test.second), keys).verdict;
      EXPECT_EQ(to_string(verdict.status), expected) << test.first.as<std::string>() << ": " << verdict.why;
      EXPECT_EQ(verdict.why.empty(), verdict.status != Status::fail);
      ++counted[verdict.status];
    }
  }
  // 175: four of the names stand there twice.
  EXPECT_EQ(counted, (std::map<Status, int>{{Status::none, 5}, {Status::pass, 58}, {Status::fail, 112}}));
}

// The results of all Authentication-Results fields that bear `id`, in order.
authres::AuthenticationResults merged(std::string_view header, const std::string& id) {
  authres::AuthenticationResults all{.authserv_id = id, .results = {}};
  for (mime::FieldScanner scan(header); const auto field = scan.next();) {
    if (field->name != "Authentication-Results") continue;
    const auto results = authres::parse(field->value);
    if (!results || results->authserv_id != id) continue;
    all.results.insert(all.results.end(), results->results.begin(), results->results.end());
  }
  return all;
}

std::string squeezed(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return text;
}

std::string behind_colon(const std::string& field) { return squeezed(field.substr(field.find(':') + 1)); }

// Octet for octet but for white space: signatures of RSA are the same each time.
TEST(ArcVectors, SetsAreSealedAsTheyExpect) {
  if (!std::filesystem::exists(testing::vectors("arc-valimail")))
    GTEST_SKIP() << "vectors missing: arc-valimail";
  int sealed = 0, left = 0;
  for (const auto& scenario : scenarios("arc-draft-sign-tests.yml")) {
    const auto keys = keys_of(scenario);
    const dkim::SigningKey key{mail::Domain::parse(scenario["domain"].as<std::string>()).value(),
                               scenario["sel"].as<std::string>(),
                               dkim::PrivateKey::from_pem(scenario["privatekey"].as<std::string>()).value()};
    for (const auto& test : scenario["tests"]) {
      const auto name = test.first.as<std::string>();
      const std::string message = message_of(test.second);
      const auto judged = validate(message, keys);
      const auto header = testing::split(message).header;
      Sealing sealing{.results = merged(header, test.second["srv-id"].as<std::string>()),
                      .chain = judged.verdict.status,
                      .fields = {},
                      .now = base::UtcTime(std::chrono::seconds(test.second["t"].as<int>())),
                      .line_size = 998};  // a fold within b= would be a space that they don't have
      for (const auto field : dkim::colon_list(test.second["sig-headers"].as<std::string>()))
        sealing.fields.emplace_back(field);
      const auto set = seal(dkim::HeaderIndex(header), judged.chain, judged.relaxed_body, key, sealing);
      const auto expected = [&](const char* kind) { return squeezed(test.second[kind].as<std::string>()); };
      if (!set) {
        EXPECT_EQ(expected("AS"), "") << name;
        ++left;
        continue;
      }
      EXPECT_EQ(behind_colon(set->seal), expected("AS")) << name;
      EXPECT_EQ(behind_colon(set->signature), expected("AMS")) << name;
      EXPECT_EQ(behind_colon(set->results), expected("AAR")) << name;
      ++sealed;
    }
  }
  EXPECT_EQ(sealed, 16);
  EXPECT_EQ(left, 1);
}

}  // namespace
}  // namespace postrider::wire::arc
