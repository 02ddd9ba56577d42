#include "reports/sender.hpp"

#include <gtest/gtest.h>

#include "reports/testing/house.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::reports {
namespace {

using testing::at;
using testing::day;
using testing::seen;

struct ReportSenderTest : ::testing::Test {
  struct Mail {
    mail::Envelope envelope;
    std::string text;
  };
  testing::House house;
  sys::fake::Clock clock{at(day(1))};
  sys::fake::Resolver dns;
  std::shared_ptr<config::Config> config =
      std::make_shared<config::Config>(*mail::Domain::parse("mx.here.test"));
  std::vector<Mail> mails;
  bool queue_fails = false;
  ReportSender sender{
      {.store = house.open(),
       .resolver = dns,
       .clock = clock,
       .config = [this] { return config; },
       .accept = [this](mail::Envelope envelope, const std::function<std::string(base::MessageId)>& text,
                        const std::string&) -> base::Result<base::MessageId> {
         if (queue_fails) return base::temporary({4, 3, 1}, "the disk is full");
         const base::MessageId id{1234};
         mails.push_back({std::move(envelope), text(id)});
         return id;
       }}};

  ReportSenderTest() {
    config->dmarc_reports.send = true;
    config->dmarc_reports.contact = *mail::Address::parse("dmarc@here.test");
    config->dmarc_reports.organization = "Here & Co";
    dns.texts["_dmarc.a.test"] = {"v=DMARC1; p=quarantine; rua=mailto:r@a.test,mailto:s@a.test"};
    EXPECT_TRUE(house.open()->add({seen("a.test", "192.0.2.1", 7)}));
  }
  OutgoingReport outgoing() { return house.open()->outgoing({})->at(0); }
  void pass_the_jitter() { clock.advance(std::chrono::hours(5)); }
};

TEST_F(ReportSenderTest, SendsToEachAddressWhenTheDayIsOver) {
  sender.look();
  EXPECT_TRUE(mails.empty());  // it is midnight
  pass_the_jitter();
  sender.look();
  ASSERT_EQ(mails.size(), 2u);
  const mail::Envelope& envelope = mails[0].envelope;
  EXPECT_EQ(envelope.reverse_path.to_string(), "dmarc@here.test");
  EXPECT_EQ(envelope.recipients.at(0).final.to_string(), "r@a.test");
  EXPECT_TRUE(envelope.recipients.at(0).notify.never());
  EXPECT_EQ(mails[1].envelope.recipients.at(0).final.to_string(), "s@a.test");
  const auto read = wire::dmarc_report::read_report_mail(mails[0].text);
  ASSERT_TRUE(read) << read.error().text;
  const auto& feedback = read->aggregate.at(0);
  EXPECT_EQ(feedback.org_name, "Here & Co");
  EXPECT_EQ(feedback.email, "dmarc@here.test");
  EXPECT_EQ(feedback.begin, std::chrono::sys_seconds(day(0)));
  EXPECT_EQ(feedback.end, std::chrono::sys_seconds(day(1)) - std::chrono::seconds(1));
  EXPECT_EQ(feedback.published, seen("a.test", "192.0.2.1").published);
  EXPECT_EQ(feedback.records, std::vector{testing::record("192.0.2.1", 7)});
  EXPECT_EQ(feedback.report_id,
            std::to_string(feedback.begin.time_since_epoch().count()) + "-a.test@mx.here.test");
  EXPECT_EQ(outgoing().state, ReportState::sent);
  sender.look();
  EXPECT_EQ(mails.size(), 2u);
}

TEST_F(ReportSenderTest, SendsNothingWhereItIsOff) {
  config->dmarc_reports.send = false;
  pass_the_jitter();
  sender.look();
  EXPECT_TRUE(mails.empty());
  EXPECT_EQ(outgoing().state, ReportState::open);
}

TEST_F(ReportSenderTest, KeepsToTheSizeThatAnAddressTakes) {
  dns.texts["_dmarc.a.test"] = {"v=DMARC1; p=none; rua=mailto:r@a.test!1k,mailto:s@a.test!1m"};
  pass_the_jitter();
  sender.look();
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].envelope.recipients.at(0).final.to_string(), "s@a.test");
  EXPECT_LT(mails[0].text.size(), 1u << 20);
  EXPECT_NE(outgoing().note.find("r@a.test: takes 1024 octets"), std::string::npos) << outgoing().note;
}

TEST_F(ReportSenderTest, SendsNothingToWhoDoesNotAgree) {
  dns.texts["_dmarc.a.test"] = {"v=DMARC1; p=none; rua=mailto:r@third.test"};
  pass_the_jitter();
  sender.look();
  EXPECT_TRUE(mails.empty());
  EXPECT_EQ(outgoing().state, ReportState::unwanted);
  EXPECT_EQ(outgoing().note, "r@third.test: a.test._report._dmarc.third.test: nxdomain");
}

TEST_F(ReportSenderTest, TriesAgainForADayWhereTheDnsOrTheQueueFails) {
  dns.errors["_dmarc.a.test"] = sys::dns::Error::servfail;
  pass_the_jitter();
  sender.look();
  EXPECT_EQ(outgoing().state, ReportState::open);
  EXPECT_EQ(outgoing().attempts, 1u);
  dns.errors.clear();
  sender.look();  // not before an hour
  EXPECT_TRUE(mails.empty());
  queue_fails = true;
  clock.advance(std::chrono::hours(1));
  sender.look();
  EXPECT_EQ(outgoing().attempts, 2u);
  queue_fails = false;
  clock.advance(std::chrono::hours(1));
  sender.look();
  EXPECT_EQ(mails.size(), 2u);
}

TEST_F(ReportSenderTest, GivesUpAtLast) {
  dns.errors["_dmarc.a.test"] = sys::dns::Error::servfail;
  pass_the_jitter();
  for (std::uint32_t i = 0; i < ReportSender::kMostAttempts; ++i) {
    sender.look();
    clock.advance(std::chrono::hours(1));
  }
  EXPECT_EQ(outgoing().state, ReportState::given_up);
}

TEST(ReportSenderDelay, DiffersBetweenDomainsWithinSomeHours) {
  EXPECT_NE(delay_after_day("a.test", "mx.test"), delay_after_day("b.test", "mx.test"));
  EXPECT_NE(delay_after_day("a.test", "mx.test"), delay_after_day("a.test", "my.test"));
  for (int i = 0; i < 100; ++i) {
    const auto delay = delay_after_day("d" + std::to_string(i) + ".test", "mx.test");
    EXPECT_GE(delay, std::chrono::minutes(10));
    EXPECT_LT(delay, std::chrono::hours(5));
  }
}

}  // namespace
}  // namespace postrider::reports
