#include "policy/iprev.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/testing/answers.hpp"

namespace postrider::policy {
namespace {

using sys::dns::Error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct IprevTest : ::testing::Test {
  sys::fake::Resolver dns;

  IprevFinding check(const char* client = "192.0.2.1") {
    struct Check {
      base::IpAddress client;
      std::optional<IprevFinding> finding;
      bool go_on(Lookups& lookups) { return (finding = check_iprev(client, lookups)).has_value(); }
    } check{base::IpAddress::parse(client).value(), {}};
    testing::run_check(check, dns);
    return check.finding.value();
  }
};

TEST_F(IprevTest, PassesWhereANameLeadsBack) {
  dns.pointers["192.0.2.1"] = {"other.example.com", "Mail.Example.Com.", "a..b"};
  dns.hosts["mail.example.com"] = {"192.0.2.9", "192.0.2.1"};
  dns.hosts["other.example.com"] = {"192.0.2.2"};
  dns.pointers["2001:db8::1"] = {"mail.example.com"};
  EXPECT_EQ(check().result, IprevResult::pass);
  EXPECT_THAT(check().names, ElementsAre("mail.example.com"));
  EXPECT_EQ(check().reason, "192.0.2.1 is mail.example.com");
  EXPECT_EQ(check("2001:db8::1").result, IprevResult::fail) << "the name has no such address";
  dns.errors["other.example.com"] = Error::timeout;
  EXPECT_EQ(check().result, IprevResult::pass);
}

TEST_F(IprevTest, TellsWhatIsMissingFromWhatIsWrongAndWhatIsNotKnown) {
  EXPECT_EQ(check().result, IprevResult::permerror) << "it has no name";
  dns.pointers["192.0.2.1"] = {"mail.example.com", "gone.example.com"};
  dns.hosts["mail.example.com"] = {"192.0.2.2"};
  EXPECT_EQ(check().result, IprevResult::fail);
  EXPECT_THAT(check().reason, HasSubstr("mail.example.com, gone.example.com"));
  dns.errors["gone.example.com"] = Error::servfail;
  EXPECT_EQ(check().result, IprevResult::temperror);
  EXPECT_TRUE(check().names.empty());
  dns.pointers.clear();
  dns.errors["192.0.2.1"] = Error::timeout;
  EXPECT_EQ(check().result, IprevResult::temperror);
}

TEST_F(IprevTest, LooksAtTenNames) {
  for (int i = 0; i < 11; ++i) dns.pointers["192.0.2.1"].push_back("n" + std::to_string(i) + ".example");
  dns.hosts["n10.example"] = {"192.0.2.1"};
  EXPECT_EQ(check().result, IprevResult::fail);
  EXPECT_EQ(dns.asked, 11);
  dns.hosts["n9.example"] = {"192.0.2.1"};
  EXPECT_EQ(check().result, IprevResult::pass);
}

}  // namespace
}  // namespace postrider::policy
