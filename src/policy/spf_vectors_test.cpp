// The openspf.org suite for RFC 7208: $POSTRIDER_VECTORS/spf-openspf/rfc7208-tests.yml.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "policy/spf.hpp"
#include "policy/testing/answers.hpp"
#include "policy/testing/zone.hpp"

namespace postrider::policy {
namespace {

namespace fs = std::filesystem;

fs::path suite() {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  return (folder ? fs::path(folder) : fs::path(POSTRIDER_SOURCE_DIR) / "../shared/vectors") /
         "spf-openspf/rfc7208-tests.yml";
}

std::string joined(const YAML::Node& strings) {
  if (strings.IsScalar()) return strings.as<std::string>();
  std::string text;
  for (const auto& each : strings) text += each.as<std::string>();
  return text;
}

std::string name_in(const YAML::Node& node) {
  std::string name = base::lower(node.as<std::string>());
  if (name.ends_with('.')) name.pop_back();
  return name;
}

void add(testing::Zone& zone, const std::string& name, const std::string& type, const YAML::Node& value) {
  if (type == "A" || type == "AAAA")
    zone.addresses.emplace(name, base::IpAddress::parse(value.as<std::string>()).value());
  else if (type == "MX")
    zone.exchanges.emplace(name, sys::dns::Mx{value[0].as<std::uint16_t>(), name_in(value[1])});
  else if (type == "PTR")
    zone.pointers.emplace(name, name_in(value));
  else if (type == "CNAME")
    zone.aliases.emplace(name, name_in(value));
  else if (joined(value) != "NONE")
    zone.texts.emplace(name, joined(value));
}

// SPF records stand for TXT records, but where a name has such of its own.
testing::Zone zone_of(const YAML::Node& data) {
  testing::Zone zone;
  for (const auto& entry : data) {
    const std::string name = name_in(entry.first);
    const bool own_txt = std::ranges::any_of(
        entry.second, [](const auto& record) { return record.IsMap() && record["TXT"].IsDefined(); });
    for (const auto& record : entry.second) {
      if (!record.IsMap()) {
        zone.silent.insert(name);
        continue;
      }
      const auto type = record.begin()->first.as<std::string>();
      if (type != "SPF" || !own_txt) add(zone, name, type, record.begin()->second);
    }
  }
  return zone;
}

SpfFinding check(const YAML::Node& test, const testing::Zone& zone) {
  SpfRequest request;
  request.client = base::IpAddress::parse(test["host"].as<std::string>()).value();
  request.helo = test["helo"].as<std::string>();
  const auto sender = test["mailfrom"].as<std::string>();
  const std::size_t at = sender.rfind('@');
  request.domain = sender.empty() ? request.helo : sender.substr(at + 1);
  if (!sender.empty()) request.local = sender.substr(0, at);
  request.receiver = "receiver.example";
  SpfCheck check(std::move(request));
  testing::run_check(check, [&](const Question& question) { return zone.answer(question); });
  return check.finding();
}

TEST(SpfVectors, AllHaveTheirResultAndExplanation) {
  if (!fs::exists(suite())) GTEST_SKIP() << "vectors missing: spf-openspf";
  int cases = 0, explanations = 0;
  for (const YAML::Node& group : YAML::LoadAllFromFile(suite())) {
    const testing::Zone zone = zone_of(group["zonedata"]);
    for (const auto& entry : group["tests"]) {
      const auto name = entry.first.as<std::string>();
      const YAML::Node test = entry.second;
      const SpfFinding finding = check(test, zone);
      ++cases;
      std::vector<std::string> allowed;
      if (test["result"].IsScalar())
        allowed = {test["result"].as<std::string>()};
      else
        allowed = test["result"].as<std::vector<std::string>>();
      EXPECT_NE(std::ranges::find(allowed, to_string(finding.result)), allowed.end())
          << name << ": " << to_string(finding.result) << ", " << finding.reason;
      EXPECT_FALSE(finding.reason.empty()) << name;
      EXPECT_LE(finding.trace.size(), 50u) << name;
      if (!test["explanation"].IsDefined()) continue;
      ++explanations;
      const auto expected = test["explanation"].as<std::string>();
      // The nibbles of %{i} are in lower case in RFC 7208 7.4, and in upper case in the suite.
      EXPECT_EQ(base::lower(finding.explanation), expected == "DEFAULT" ? "" : base::lower(expected)) << name;
    }
  }
  EXPECT_EQ(cases, 203);
  EXPECT_EQ(explanations, 22);
}

}  // namespace
}  // namespace postrider::policy
