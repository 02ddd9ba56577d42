#include <gmock/gmock.h>

#include "config/config.hpp"

namespace postrider::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Loaded with(const std::string& text) {
  return parse("hostname = \"a\"\ndata_dir = \"/a\"\nlistener = [{ address = \"[::]:25\" }]\n" + text, "t");
}

TEST(Authentication, IsOnWhereTheFileSaysNothing) {
  const auto config = *with("");
  EXPECT_TRUE(config->authentication.check);
  EXPECT_EQ(config->authentication.timeout, std::chrono::seconds(20));
  EXPECT_EQ(config->authentication.undecided, Undecided::by_policy);
  EXPECT_FALSE(config->authentication.refuse_spf_fail);
  EXPECT_EQ(config->dmarc.policy, DmarcPolicy::apply);
}

TEST(Authentication, TakesForwardersByNetworkAndByDomain) {
  const auto config = *with(R"([authentication]
undecided = "defer"
forwarders = ["192.0.2.0/24", "2001:db8::1", "Forwarder.example"]
trusted_arc = ["lists.example"]
[dmarc]
policy = "quarantine")");
  EXPECT_EQ(config->authentication.undecided, Undecided::defer);
  EXPECT_THAT(config->authentication.forwarder_networks,
              ElementsAre(*base::Network::parse("192.0.2.0/24"), *base::Network::parse("2001:db8::1")));
  EXPECT_THAT(config->authentication.forwarder_domains,
              ElementsAre(*mail::Domain::parse("forwarder.example")));
  EXPECT_THAT(config->authentication.trusted_arc, ElementsAre(*mail::Domain::parse("lists.example")));
  EXPECT_EQ(config->dmarc.policy, DmarcPolicy::quarantine);
}

TEST(Authentication, SaysWhatIsNoForwarder) {
  const auto loaded = with("authentication = { forwarders = [\"192.0.2.1/24\"] }\n");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().front().to_string(),
              HasSubstr("t:4:34: \"192.0.2.1/24\" is neither a network nor a domain"));
}

TEST(Authentication, SendsNoReportsThatNobodyAnswersFor) {
  const auto reports = (*with(""))->dmarc_reports;
  EXPECT_FALSE(reports.send || reports.failure_reports);
  EXPECT_EQ(reports.failure_reports_per_day, 10u);
  for (const char* key : {"send_reports", "failure_reports"}) {
    const auto loaded = with("dmarc = { " + std::string(key) + " = true }\n");
    ASSERT_FALSE(loaded) << key;
    EXPECT_THAT(loaded.error().front().to_string(), HasSubstr("nobody can be asked about them")) << key;
    EXPECT_TRUE(with("dmarc = { contact = \"dmarc@a.test\", " + std::string(key) + " = true }\n")) << key;
  }
  EXPECT_FALSE(with("dmarc = { failure_reports_per_day = 0 }\n"));
}

}  // namespace
}  // namespace postrider::config
