#include "reports/failure_sender.hpp"

#include <gtest/gtest.h>

#include "reports/testing/judged_message.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::reports {
namespace {

using testing::at;
using testing::day;

struct FailureSenderTest : ::testing::Test {
  struct Mail {
    mail::Envelope envelope;
    std::string text, decision;
  };
  testing::House house;
  sys::fake::Clock clock{at(day(0)) + std::chrono::hours(5)};
  sys::fake::Resolver dns;
  std::shared_ptr<config::Config> config =
      std::make_shared<config::Config>(*mail::Domain::parse("mx.here.test"));
  std::vector<Mail> mails;
  bool queue_fails = false;
  std::unique_ptr<FailureSender> sender = make();
  testing::JudgedMessage message;

  FailureSenderTest() {
    config->dmarc_reports.failure_reports = true;
    config->dmarc_reports.contact = *mail::Address::parse("dmarc@here.test");
    publish("v=DMARC1; p=quarantine; ruf=mailto:f@a.test,mailto:g@a.test");
    message.findings.dmarc.result = policy::DmarcResult::fail;
    message.findings.dmarc.dkim_aligned.clear();
  }
  std::unique_ptr<FailureSender> make() {
    return std::make_unique<FailureSender>(SenderParts{
        .store = house.open(),
        .resolver = dns,
        .clock = clock,
        .config = [this] { return config; },
        .accept = [this](mail::Envelope envelope, const std::function<std::string(base::MessageId)>& text,
                         std::string decision) -> base::Result<base::MessageId> {
          if (queue_fails) return base::temporary({4, 3, 1}, "the disk is full");
          const base::MessageId id{1234};
          mails.push_back({std::move(envelope), text(id), std::move(decision)});
          return id;
        }});
  }
  void publish(const std::string& record, const std::string& domain = "a.test") {
    message.publish(record);
    message.findings.dmarc.policy_domain = domain;
    dns.texts["_dmarc." + domain] = {record};
  }
  // How many mails came of the message.
  std::size_t tell() {
    const std::size_t before = mails.size();
    sender->judged(message.judged());
    sender->send_all();
    return mails.size() - before;
  }
};

TEST_F(FailureSenderTest, TellsEachAddressAtOnce) {
  ASSERT_EQ(tell(), 2u);
  const mail::Envelope& envelope = mails[0].envelope;
  EXPECT_TRUE(envelope.reverse_path.is_null());
  EXPECT_EQ(envelope.recipients.at(0).final.to_string(), "f@a.test");
  EXPECT_TRUE(envelope.recipients.at(0).notify.never());
  EXPECT_EQ(mails[1].envelope.recipients.at(0).final.to_string(), "g@a.test");
  EXPECT_EQ(mails[0].decision, "DMARC failure report about a.test");
  const auto read = wire::dmarc_report::read_report_mail(mails[0].text);
  ASSERT_TRUE(read && read->failure);
  EXPECT_EQ(read->failure->auth_failure, "dmarc");
  EXPECT_EQ(read->failure->source, message.facts.client);
  EXPECT_EQ(read->failure->header, message.header);
  EXPECT_EQ(read->failure->arrival, message.facts.now);
}

TEST_F(FailureSenderTest, TellsNobodyWhereItIsOff) {
  config->dmarc_reports.failure_reports = false;
  EXPECT_EQ(tell(), 0u);
  EXPECT_EQ(dns.asked, 0);
  // It was turned off while it waited.
  config->dmarc_reports.failure_reports = true;
  sender->judged(message.judged());
  config->dmarc_reports.failure_reports = false;
  sender->send_all();
  EXPECT_TRUE(mails.empty());
}

TEST_F(FailureSenderTest, TellsOnlyWhoAgrees) {
  publish("v=DMARC1; p=none; ruf=mailto:f@third.test");
  EXPECT_EQ(tell(), 0u);
  dns.texts["a.test._report._dmarc.third.test"] = {"v=DMARC1"};
  EXPECT_EQ(tell(), 1u);
}

TEST_F(FailureSenderTest, KeepsToTheSizeThatAnAddressTakes) {
  publish("v=DMARC1; p=none; ruf=mailto:f@a.test!1k,mailto:g@a.test!1m");
  ASSERT_EQ(tell(), 1u);
  EXPECT_EQ(mails[0].envelope.recipients.at(0).final.to_string(), "g@a.test");
}

// RFC 9991 2, 8.1
TEST_F(FailureSenderTest, IsBoundedByDomainAndDayAlsoBeyondARestart) {
  config->dmarc_reports.failure_reports_per_day = 2;
  publish("v=DMARC1; p=none; ruf=mailto:f@a.test");
  EXPECT_EQ(tell(), 1u);
  EXPECT_EQ(tell(), 1u);
  const int asked = dns.asked;
  EXPECT_EQ(tell(), 0u);
  EXPECT_EQ(dns.asked, asked);  // a flood does not even ask the DNS
  sender = make();
  EXPECT_EQ(tell(), 0u);
  publish("v=DMARC1; p=none; ruf=mailto:f@b.test", "b.test");
  EXPECT_EQ(tell(), 1u);
  message.facts.now = at(day(1));
  publish("v=DMARC1; p=none; ruf=mailto:f@a.test");
  EXPECT_EQ(tell(), 1u);
}

TEST_F(FailureSenderTest, IsBoundedOverAllDomains) {
  std::size_t told = 0;
  for (std::uint32_t i = 0; i < FailureSender::kMostPerDay + 20; ++i) {
    const std::string domain = 'd' + std::to_string(i) + ".test";
    publish("v=DMARC1; p=none; ruf=mailto:f@" + domain, domain);
    told += tell();
  }
  EXPECT_EQ(told, FailureSender::kMostPerDay);
}

TEST_F(FailureSenderTest, DropsWhatHasNoPlaceToWait) {
  config->dmarc_reports.failure_reports_per_day = 1000;
  publish("v=DMARC1; p=none; ruf=mailto:f@a.test");
  for (std::size_t i = 0; i < FailureSender::kMostWaiting + 5; ++i) sender->judged(message.judged());
  sender->send_all();
  EXPECT_EQ(mails.size(), FailureSender::kMostWaiting);
}

TEST_F(FailureSenderTest, DropsItWhereTheDnsOrTheQueueFails) {
  queue_fails = true;
  EXPECT_EQ(tell(), 0u);
  queue_fails = false;
  dns.errors["_dmarc.a.test"] = sys::dns::Error::servfail;
  EXPECT_EQ(tell(), 0u);
  dns.errors.clear();
  EXPECT_EQ(tell(), 2u);
}

TEST_F(FailureSenderTest, TakesNothingWhenItHasStopped) {
  sender->start();
  sender->stop();
  sender->judged(message.judged());
  sender->send_all();
  EXPECT_TRUE(mails.empty());
}

}  // namespace
}  // namespace postrider::reports
