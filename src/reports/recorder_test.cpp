#include "reports/recorder.hpp"

#include <gtest/gtest.h>

#include "reports/testing/house.hpp"
#include "reports/testing/judged_message.hpp"

namespace postrider::reports {
namespace {

using testing::House;
using wire::dmarc_report::Disposition;

struct Message : testing::JudgedMessage {
  std::optional<Seen> seen() const { return seen_of(judged()); }
};

TEST(DmarcRecorder, NotesWhatAReportIsToSay) {
  const auto seen = Message().seen();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->day, testing::day(0));
  EXPECT_EQ(seen->published.domain, "a.test");
  EXPECT_EQ(seen->published.policy, wire::dmarc::Policy::reject);
  EXPECT_EQ(seen->published.subdomain, wire::dmarc::Policy::quarantine);
  EXPECT_EQ(seen->published.missing, wire::dmarc::Policy::quarantine);
  EXPECT_EQ(seen->published.spf, wire::dmarc::Alignment::strict);
  EXPECT_EQ(seen->published.fo, "1:d");
  wire::dmarc_report::Record expected;
  expected.source = *base::IpAddress::parse("192.0.2.1");
  expected.count = 1;
  expected.disposition = Disposition::pass;
  expected.dkim_aligned = true;
  expected.header_from = "mail.a.test";
  expected.envelope_from = "bounce.a.test";
  expected.envelope_to = "here.test";
  expected.dkim = {{"a.test", "s1", "pass", ""}, {"other.test", "x", "fail", ""}};
  expected.spf = {{"bounce.a.test", "mfrom", "softfail", ""}};
  EXPECT_EQ(seen->record, expected);
}

TEST(DmarcRecorder, SaysWhyAPolicyWasNotApplied) {
  Message message;
  message.findings.dmarc.result = policy::DmarcResult::fail;
  message.findings.dmarc.dkim_aligned.clear();
  message.overrides = {{policy::OverrideType::trusted_forwarder, "listed"}};
  message.facts.reverse_path = {};
  message.domains = {"here.test", "there.test"};
  const auto seen = message.seen();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->record.disposition, Disposition::none);
  EXPECT_EQ(seen->record.reasons, (std::vector<wire::dmarc_report::Reason>{{"trusted_forwarder", "listed"}}));
  EXPECT_EQ(seen->record.envelope_from, "");
  EXPECT_EQ(seen->record.envelope_to, "");
}

TEST(DmarcRecorder, PassesOverWhatNobodyAsksFor) {
  Message without_rua;
  without_rua.findings.dmarc.record = wire::dmarc::parse_record("v=DMARC1; p=none");
  EXPECT_FALSE(without_rua.seen());
  Message without_record;
  without_record.findings.dmarc.record.reset();
  EXPECT_FALSE(without_record.seen());
  Message undecided;
  undecided.findings.dmarc.result = policy::DmarcResult::temperror;
  EXPECT_FALSE(undecided.seen());
}

TEST(DmarcRecorder, ReportsNothingAboutReportsButForgedOnes) {
  Message report;
  report.header = "Subject: Report Domain: here.test Submitter: a.test\r\n";
  EXPECT_FALSE(report.seen());
  report.findings.dmarc.result = policy::DmarcResult::fail;
  EXPECT_TRUE(report.seen());
}

TEST(DmarcRecorder, WritesEqualMessagesAsOneRow) {
  const House house;
  Recorder recorder(house.open());
  const Message one;
  Message other;
  other.facts.client = *base::IpAddress::parse("192.0.2.2");
  for (int i = 0; i < 3; ++i) recorder.judged(one.judged());
  recorder.judged(other.judged());
  recorder.flush();
  recorder.judged(one.judged());
  recorder.flush();
  const auto content = house.open()->content(testing::day(0), "a.test");
  ASSERT_TRUE(content);
  ASSERT_EQ(content->records.size(), 2u);
  EXPECT_EQ(content->records[0].count, 4u);
  EXPECT_EQ(content->records[1].count, 1u);
}

TEST(DmarcRecorder, WritesWhatItHasWhenItEnds) {
  const House house;
  {
    Recorder recorder(house.open());
    recorder.judged(Message().judged());
  }
  EXPECT_EQ(house.open()->content(testing::day(0), "a.test")->records.size(), 1u);
}

}  // namespace
}  // namespace postrider::reports
