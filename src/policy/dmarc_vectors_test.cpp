// The DMARC cases of postalsys/mailauth: $POSTRIDER_VECTORS/dmarc-mailauth/cases.json.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/dmarc.hpp"
#include "policy/testing/answers.hpp"

namespace postrider::policy {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path cases() {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  return (folder ? fs::path(folder) : fs::path(POSTRIDER_SOURCE_DIR) / "../shared/vectors") /
         "dmarc-mailauth/cases.json";
}

// Case, and the clause that overrules it.
const std::map<std::string, std::string> kOverruled = {
    {"does not inherit the org policy when the author domain publishes multiple records (§4.10 step 2)",
     "RFC 9989 4.10, 4.10.1: records that are discarded are as none, and the walk goes on"},
    {"Should return false for headerFrom array with multiple elements",
     "RFC 9989 5.3.1: two addresses of one domain are one Author Domain"},
    {"Should not query \"_dmarc.null\" when no org domain can be derived",
     "RFC 9989 4.10: there is no list of suffixes, and the walk goes up to the last label"},
};
// The recording has lost the zone of this one.
constexpr const char* kWithoutZone = "Should handle IDN domains";

// What mailauth's objects have that a finding of ours has not: tags of RFC 7489, its own diagnostics, other checks' results.
const std::set<std::string> kNotOurs = {"result.pct",
                                        "result.ri",

                                        "result.error",
                                        "result.info",
                                        "result.status.comment",
                                        "function",
                                        "result.tagonly",
                                        "result.false",

                                        "result.alignment.dkim.underSized",
                                        "result2.alignment.dkim.underSized"};

AnyAnswer answer(const json& zone, const Question& question) {
  using enum sys::dns::Error;
  const auto failure = [](sys::dns::Error error) {
    return std::unexpected(sys::dns::Failure{error, false, "told so"});
  };
  const json* entry = zone.contains(question.name)         ? &zone[question.name]
                      : zone.contains("__other__.invalid") ? &zone["__other__.invalid"]
                                                           : nullptr;
  if (question.type != QuestionType::txt) {
    const bool exists = zone.contains(question.name);
    return AddressAnswer(failure(exists ? nodata : nxdomain));
  }
  if (!entry) return TextAnswer(failure(nxdomain));
  if (entry->contains("TXT_error"))
    return TextAnswer(failure((*entry)["TXT_error"] == "ETIMEOUT" ? timeout : nxdomain));
  sys::dns::Answer<std::string> found;
  for (const json& strings : entry->value("TXT", json::array())) {
    std::string text;
    for (const json& each : strings) text += each.get<std::string>();
    found.records.push_back(std::move(text));
  }
  if (found.records.empty()) return TextAnswer(failure(nodata));
  return TextAnswer(found);
}

struct Ran {
  DmarcFinding finding;
  std::vector<std::string> asked;  // _dmarc names
};

std::string domain_of(const json& entry) {
  const auto text = entry.is_object() ? entry["domain"].get<std::string>() : entry.get<std::string>();
  return text.substr(text.find('@') + 1);  // npos + 1 is 0
}

Ran run(const json& call) {
  std::vector<std::string> authors;
  const json from = call.contains("headerFrom") ? call["headerFrom"] : call["domain"];
  for (const json& each : from.is_array() ? from : json::array({from})) authors.push_back(domain_of(each));
  DmarcIdentifiers identifiers;
  for (const json& each : call.value("dkimDomains", json::array()))
    identifiers.dkim.push_back(domain_of(each));
  for (const json& each : call.value("spfDomains", json::array())) identifiers.spf = domain_of(each);
  DmarcCheck check(authors);
  check.identify(std::move(identifiers));
  const auto asked =
      testing::run_check(check, [&](const Question& question) { return answer(call["zone"], question); });
  Ran ran{check.finding(), {}};
  for (const Question& question : asked)
    if (question.name.starts_with("_dmarc.")) ran.asked.push_back(question.name);
  return ran;
}

std::string letter(wire::dmarc::Alignment alignment) {
  return alignment == wire::dmarc::Alignment::strict ? "s" : "r";
}

std::string text_of_record(const DmarcFinding& finding) {
  const auto step = std::ranges::find(finding.trace, "_dmarc." + finding.policy_domain, &DmarcStep::name);
  return step == finding.trace.end() ? "" : step->outcome;
}

// The value that the path has in mailauth's terms; null where there is none.
json value_at(const std::string& path, const Ran& ran) {
  const DmarcFinding& finding = ran.finding;
  const auto& record = finding.record;
  const bool failed = finding.result == DmarcResult::fail;
  if (path == "status.result") return to_string(finding.result);
  if (path == "policy")
    return record ? json(to_string(failed ? finding.disposition : finding.policy)) : json();
  if (path == "domain" || path == "status.header.d") return finding.policy_domain;
  if (path == "status.header.from") return finding.author;
  if (path == "alignment.spf.result")
    return finding.spf_aligned.empty() ? json() : json(finding.organization);
  if (path == "alignment.dkim.result")
    return finding.dkim_aligned.empty() ? json() : json(finding.organization);
  if (!record) return {};
  if (path == "alignment.dkim.strict") return record->dkim == wire::dmarc::Alignment::strict;
  if (path == "alignment.spf.strict") return record->spf == wire::dmarc::Alignment::strict;
  if (path == "v") return "DMARC1";
  if (path == "rr") return text_of_record(finding);
  if (path == "p") return to_string(record->policy);
  if (path == "sp") return record->subdomain ? json(to_string(*record->subdomain)) : json();
  if (path == "adkim") return letter(record->dkim);
  if (path == "aspf") return letter(record->spf);
  if (path == "fo") return record->failure.any ? "1" : "0";
  if (path == "rua") return record->rua.at(0);
  if (path == "ruf") return record->ruf.at(0);
  if (path == "isOrgRecord") return finding.policy_domain != finding.author;
  if (path.empty()) return to_string(finding.result);
  ADD_FAILURE() << "unknown path " << path;
  return {};
}

bool holds(const json& assertion, const std::vector<Ran>& ran) {
  const std::string op = assertion["op"];
  const json expected = assertion.value("value", json());
  std::string path = assertion.value("path", "");
  // The error that mailauth throws.
  if (path.empty()) return ran[0].finding.result == DmarcResult::temperror && expected == "ETIMEOUT";
  if (path.starts_with("dns_calls")) return json(ran[0].asked) == expected;
  const Ran& which = ran.at(path.starts_with("result2") ? 1 : 0);
  path = path.find('.') == path.npos ? "" : path.substr(path.find('.') + 1);
  if (op == "not property") return expected == "pct" || (expected == "policy" && !which.finding.record);
  if (op == "an") return which.finding.record.has_value();
  const json value = value_at(path, which);
  if (op == "equal") return value == expected;
  if (op == "contain") return value.get<std::string>().contains(expected.get<std::string>());
  if (op == "true") return value == true;
  if (op == "false" && path.empty()) return !which.finding.record;
  if (op == "false") return value == false;
  if (op == "not ok" || op == "undefined") return value.is_null();
  ADD_FAILURE() << "unknown operation " << op;
  return false;
}

TEST(DmarcVectors, HoldButForThoseThatTheRfcOverrules) {
  if (!fs::exists(cases())) GTEST_SKIP() << "vectors missing: dmarc-mailauth";
  std::ifstream in(cases());
  std::map<std::string, int> count;
  for (const json& each : json::parse(in)) {
    const std::string name = each["name"];
    ++count["cases"];
    if (name == kWithoutZone || kOverruled.contains(name)) {
      ++count["overruled or without zone"];
      continue;
    }
    std::vector<Ran> ran;
    for (const json& call : each["calls"]) ran.push_back(run(call));
    bool judged = false;
    for (const json& assertion : each["asserts"]) {
      ++count["assertions"];
      if (kNotOurs.contains(assertion.value("path", ""))) {
        ++count["not ours"];
        continue;
      }
      judged = true;
      EXPECT_TRUE(holds(assertion, ran)) << name << ": " << assertion << "; " << ran[0].finding.reason;
    }
    count["judged"] += judged ? 1 : 0;
  }
  const std::map<std::string, int> expected = {
      {"cases", 88}, {"overruled or without zone", 4}, {"judged", 76}, {"assertions", 148}, {"not ours", 20}};
  EXPECT_EQ(count, expected);
}

}  // namespace
}  // namespace postrider::policy
