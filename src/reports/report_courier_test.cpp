#include "reports/report_courier.hpp"

#include <gtest/gtest.h>

#include <future>

#include "reports/testing/house.hpp"
#include "sys/fake/clock.hpp"
#include "wire/dmarc_report/archive.hpp"

namespace postrider::reports {
namespace {

using testing::at;
using testing::day;

class Text final : public queue::Content {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  base::Result<std::string> next() override { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

struct Mailbox final : queue::Courier {
  int delivered = 0;
  void locate(const queue::Destination&, std::move_only_function<void(queue::Located)>) override {}
  void deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) override {
    ++delivered;
    done({.outcomes = {job.recipients.size(), mail::Outcome{.action = mail::Action::delivered,
                                                            .reply = mail::reply(250, 0, 0, "in the mailbox"),
                                                            .relay = "maildir",
                                                            .detail = {},
                                                            .at = {}}},
          .contact = queue::Contact::made,
          .trials = {}});
  }
};

wire::dmarc_report::Feedback feedback(std::string domain) {
  wire::dmarc_report::Feedback out;
  out.org_name = "google.com";
  out.report_id = "42";
  out.begin = day(0);
  out.end = day(1);
  out.published.domain = std::move(domain);
  out.records = {testing::record("192.0.2.1", 3)};
  return out;
}

std::string mail_of(const std::string& domain) {
  const auto about = feedback(domain);
  return wire::dmarc_report::write_report_mail({.submitter = "google.com",
                                                .from_name = "Google",
                                                .from = "noreply@google.com",
                                                .to = "dmarc@here.test",
                                                .id = "1",
                                                .date = at(day(1))},
                                               about, wire::dmarc_report::gzip(write_feedback(about)));
}

struct ReportCourierTest : ::testing::Test {
  testing::House house;
  sys::fake::Clock clock{at(day(1))};
  Mailbox mailbox;
  ReportCourier courier{{.store = house.open(),
                         .mailbox = mailbox,
                         .clock = clock,
                         .is_ours = [](const mail::Domain& domain) { return domain.ascii() == "here.test"; },
                         .hostname = *mail::Domain::parse("mx.here.test")}};

  queue::Report deliver(std::string text) {
    queue::Job job{.id = {},
                   .envelope = {},
                   .recipients = {0},
                   .destination = {.host = *mail::Domain::parse("here.test"), .route = {}},
                   .site = {},
                   .open = [text = std::move(text)] { return std::make_unique<Text>(text); }};
    std::promise<queue::Report> done;
    courier.deliver(std::move(job), [&](queue::Report report) { done.set_value(std::move(report)); });
    return done.get_future().get();
  }
};

TEST_F(ReportCourierTest, StoresAReportInsteadOfDeliveringIt) {
  const auto report = deliver(mail_of("here.test"));
  EXPECT_EQ(report.outcomes.at(0).action, mail::Action::delivered);
  EXPECT_EQ(report.outcomes.at(0).detail, "google.com, 42 about here.test, unproven");
  EXPECT_EQ(mailbox.delivered, 0);
  EXPECT_EQ(house.open()->reports({})->size(), 1u);
  EXPECT_EQ(deliver(mail_of("here.test")).outcomes.at(0).detail,
            "google.com, 42 about here.test, unproven: known already");
  EXPECT_EQ(house.open()->reports({})->size(), 1u);
}

// Whose Authentication-Results is not ours, or says that it did not pass, proves nothing.
TEST_F(ReportCourierTest, NotesWhetherTheMailPassedDmarc) {
  const std::string mail = mail_of("here.test");
  for (const char* field :
       {"", "Authentication-Results: mx.elsewhere.test; dmarc=pass header.from=google.com\r\n",
        "Authentication-Results: mx.here.test; dmarc=fail header.from=google.com\r\n"
        "Authentication-Results: mx.here.test; dmarc=pass header.from=google.com\r\n",
        "Authentication-Results: mx.here.test; spf=pass smtp.mailfrom=google.com\r\n"}) {
    deliver(field + mail);
    EXPECT_EQ(house.open()->reports({})->at(0).origin.proof, Proof::unproven) << field;
  }
  // The true one takes the place of the forged one, and keeps it.
  const auto report = deliver(
      "X: y\r\nAuthentication-Results: mx.here.test;\r\n\tdmarc=pass (p=reject) header.from=Google.com\r\n" +
      mail);
  EXPECT_EQ(report.outcomes.at(0).detail, "google.com, 42 about here.test");
  deliver(mail);
  const auto reports = house.open()->reports({});
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_EQ(reports->at(0).origin.proof, Proof::passed);
  EXPECT_EQ(reports->at(0).origin.author, "google.com");
  EXPECT_EQ(reports->at(0).messages, 3u);
}

TEST_F(ReportCourierTest, PassesOnWhatIsNoneAndSaysWhy) {
  auto report = deliver("Subject: hello\r\n\r\nnot a report\r\n");
  EXPECT_EQ(report.outcomes.at(0).relay, "maildir");
  EXPECT_EQ(mailbox.delivered, 1);
  EXPECT_EQ(report.trials.at(0).result,
            "no report to be stored: there is no report in the message; delivered as mail");
  report = deliver(mail_of("elsewhere.test"));
  EXPECT_EQ(mailbox.delivered, 2);
  EXPECT_NE(report.trials.at(0).result.find("elsewhere.test, which is no domain of this server"),
            std::string::npos);
  EXPECT_TRUE(house.open()->reports({})->empty());
}

TEST_F(ReportCourierTest, DeliversFailureReportsToo) {
  deliver(
      "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\n"
      "Auth-Failure: dmarc\r\nReported-Domain: here.test\r\n\r\n--b--\r\n");
  EXPECT_EQ(mailbox.delivered, 1);
  EXPECT_EQ(house.open()->failures({})->at(0).domain, "here.test");
}

TEST_F(ReportCourierTest, DefersWhatCantBeWritten) {
  store::Database database((house.folder() / "reports.db").string(), nullptr,
                           store::Database::Access::read_write);
  database.execute("DROP TABLE record");
  const auto report = deliver(mail_of("here.test"));
  EXPECT_EQ(report.outcomes.at(0).action, mail::Action::deferred);
  EXPECT_EQ(report.outcomes.at(0).reply.code, 451);
  EXPECT_EQ(mailbox.delivered, 0);
}

}  // namespace
}  // namespace postrider::reports
