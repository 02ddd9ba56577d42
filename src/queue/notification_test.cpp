#include "queue/notification.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

using base::EnhancedCode;
using std::chrono::seconds;
using wire::dsn::Typed;

constexpr base::UtcTime kNoon{seconds(1'792'843'200)};

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

mail::Recipient recipient(std::string_view said, std::string_view final, mail::Outcome last) {
  return {.original = address(said),
          .alias = {},
          .final = address(final),
          .orcpt = {},
          .notify = {},
          .last = std::move(last)};
}

mail::Outcome outcome(mail::Action action, mail::Reply reply, std::string relay) {
  return {.action = action,
          .reply = std::move(reply),
          .relay = std::move(relay),
          .detail = "not for the sender",
          .at = kNoon};
}

mail::Outcome said(mail::Outcome outcome) {
  outcome.said_by_relay = true;
  return outcome;
}

mail::Envelope envelope(std::vector<mail::Recipient> recipients) {
  mail::Envelope out;
  out.reverse_path = mail::ReversePath(address("alice@example.com"));
  out.received = kNoon - seconds(60);
  out.recipients = std::move(recipients);
  return out;
}

const base::MessageId kAbout{1 << 20};
const base::MessageId kOwn{2 << 20};

wire::dsn::Report report(Notice notice, const mail::Envelope& about) {
  Notification notification{notice, kAbout, about, {}, kNoon + seconds(3600)};
  for (std::uint32_t i = 0; i < about.recipients.size(); ++i) notification.recipients.push_back(i);
  return report_of(notification, kOwn, "mx.test", kNoon + seconds(1));
}

wire::dsn::Recipient one(Notice notice, mail::Outcome last) {
  return report(notice, envelope({recipient("bob@example.net", "bob@example.net", std::move(last))}))
      .status.recipients[0];
}

// RFC 2852, RFC 4865, RFC 6710
TEST(Notification, TellsTheTimesThatItsSenderAskedForAndHasHisPriority) {
  mail::Envelope about = envelope({recipient(
      "b@far.test", "b@far.test", outcome(mail::Action::deferred, mail::reply(451, 4, 1, "no"), ""))});
  about.deliver_by = kNoon;
  about.hold_until = kNoon - seconds(30);
  about.priority = 4;
  EXPECT_EQ(report(Notice::delay, about).status.recipients[0].status, (EnhancedCode{4, 4, 1}));
  about.deliver_by_notify = true;
  const auto made = report(Notice::delay, about);
  EXPECT_EQ(made.status.deliver_by, kNoon);
  EXPECT_EQ(made.status.future_release, kNoon - seconds(30));
  EXPECT_EQ(made.status.recipients[0].status, (EnhancedCode{4, 4, 7}));
  EXPECT_EQ(envelope_of({Notice::delay, kAbout, about, {}, {}}, kNoon).priority, 4);
}

TEST(Notification, RepeatsWhatTheOtherServerSaid) {
  mail::Envelope about =
      envelope({recipient("info@example.net", "bob@example.net",
                          said(outcome(mail::Action::failed, mail::reply(550, 1, 1, "no such\nuser"),
                                       "mx.example.net[192.0.2.1]:25")))});
  about.envid = "QQ314159";
  about.origin.helo = "client.test";
  about.recipients[0].orcpt = mail::OriginalRecipient{"RFC822", "Info@example.net"};
  const auto made = report(Notice::failure, about);
  EXPECT_EQ(made.kind, wire::dsn::Kind::failure);
  EXPECT_EQ(made.sender, "alice@example.com");
  EXPECT_EQ(made.id, kOwn.to_string());
  EXPECT_EQ(made.date, kNoon + seconds(1));
  EXPECT_EQ(made.status.original_envelope_id, "QQ314159");
  EXPECT_EQ(made.status.reporting_mta, (Typed{"dns", "mx.test"}));
  EXPECT_EQ(made.status.received_from_mta, (Typed{"dns", "client.test"}));
  EXPECT_EQ(made.status.arrival, kNoon - seconds(60));
  const wire::dsn::Recipient expected{.original = Typed{"rfc822", "Info@example.net"},
                                      .final = {"rfc822", "bob@example.net"},
                                      .action = wire::dsn::Action::failed,
                                      .status = EnhancedCode{5, 1, 1},
                                      .remote_mta = Typed{"dns", "mx.example.net"},
                                      .diagnostic = Typed{"smtp", "550 5.1.1 no such\nuser"},
                                      .last_attempt = kNoon,
                                      .final_log_id = kAbout.to_string(),
                                      .will_retry_until = {}};
  EXPECT_EQ(made.status.recipients, std::vector{expected});
  EXPECT_EQ(made.words[0].name, "info@example.net");
  EXPECT_EQ(made.words[0].server, "mx.example.net");
  EXPECT_EQ(made.words[0].said, "550 5.1.1 no such\nuser");
}

TEST(Notification, HasAnOriginalRecipientOnlyWhereTheSenderNamedOne) {
  EXPECT_FALSE(one(Notice::failure, outcome(mail::Action::failed, {}, "")).original);
}

TEST(Notification, SaysUntilWhenItIsTried) {
  const auto delayed = one(
      Notice::delay, outcome(mail::Action::deferred, mail::reply(450, 2, 0, "later"), "mx[192.0.2.1]:25"));
  EXPECT_EQ(delayed.action, wire::dsn::Action::delayed);
  EXPECT_EQ(delayed.status, (EnhancedCode{4, 2, 0}));
  EXPECT_EQ(delayed.will_retry_until, kNoon + seconds(3600));
}

TEST(Notification, HasAStatusOfTheClassThatItsActionNeeds) {
  const auto status = [](Notice notice, mail::Action action, mail::Reply reply) {
    return one(notice, outcome(action, std::move(reply), "")).status;
  };
  using mail::Action;
  EXPECT_EQ(status(Notice::failure, Action::failed, mail::plain_reply(550, "no")), (EnhancedCode{5, 0, 0}));
  EXPECT_EQ(status(Notice::failure, Action::failed, mail::plain_reply(450, "no")), (EnhancedCode{4, 0, 0}));
  EXPECT_EQ(status(Notice::failure, Action::failed, {}), (EnhancedCode{5, 0, 0}));
  EXPECT_EQ(status(Notice::failure, Action::failed, mail::reply(451, 4, 7, "expired")),
            (EnhancedCode{4, 4, 7}));
  EXPECT_EQ(status(Notice::delay, Action::deferred, mail::reply(550, 1, 1, "no")), (EnhancedCode{4, 0, 0}));
  EXPECT_EQ(status(Notice::success, Action::relayed, mail::reply(250, 1, 5, "ok")), (EnhancedCode{2, 1, 5}));
  EXPECT_EQ(status(Notice::success, Action::delivered, {}), (EnhancedCode{2, 0, 0}));
}

TEST(Notification, DoesNotCallOurOwnWordsThoseOfAnotherServer) {
  const auto local =
      one(Notice::failure, outcome(mail::Action::failed, mail::reply(552, 2, 2, "mailbox full"), "maildir"));
  EXPECT_FALSE(local.remote_mta);
  EXPECT_EQ(local.diagnostic, (Typed{"x-postrider", "552 5.2.2 mailbox full"}));
  const auto broken = report(
      Notice::failure,
      envelope({recipient("bob@example.net", "bob@example.net",
                          outcome(mail::Action::failed, mail::reply(451, 4, 7, "delivery time expired"),
                                  "mx.example.net[192.0.2.1]:25"))}));
  EXPECT_FALSE(broken.status.recipients[0].remote_mta);
  EXPECT_EQ(broken.status.recipients[0].diagnostic,
            (Typed{"x-postrider", "451 4.4.7 delivery time expired"}));
  EXPECT_EQ(broken.words[0].server, "");
  const auto delivered =
      one(Notice::success, outcome(mail::Action::delivered, mail::reply(250, 0, 0, "ok"), "maildir"));
  EXPECT_EQ(delivered.action, wire::dsn::Action::delivered);
  EXPECT_FALSE(delivered.diagnostic);
}

TEST(Notification, NamesTheOtherServerByItsRelay) {
  EXPECT_EQ(remote_name("mx.example.com[192.0.2.1]:25"), "mx.example.com");
  EXPECT_EQ(remote_name("mx.example.com[IPv6:2001:db8::1]:25"), "mx.example.com");
  EXPECT_EQ(remote_name("[192.0.2.1]:25"), "[192.0.2.1]");
  EXPECT_EQ(remote_name("maildir"), "");
  EXPECT_EQ(remote_name("a]b["), "");
}

TEST(Notification, WritesInternationalAddressesWithTheirOwnType) {
  mail::Envelope about = envelope({recipient("b\u00F6b@b\u00FCcher.test", "b\u00F6b@b\u00FCcher.test", {}),
                                   recipient("bob@b\u00FCcher.test", "bob@b\u00FCcher.test", {})});
  about.reverse_path = mail::ReversePath(address("alice@b\u00FCcher.test"));
  about.smtputf8 = true;
  const auto made = report(Notice::failure, about);
  EXPECT_TRUE(made.smtputf8);
  EXPECT_EQ(made.sender, "alice@xn--bcher-kva.test");
  EXPECT_EQ(made.status.recipients[0].final, (Typed{"utf-8", "b\u00F6b@b\u00FCcher.test"}));
  EXPECT_EQ(made.status.recipients[1].final, (Typed{"rfc822", "bob@xn--bcher-kva.test"}));
  EXPECT_EQ(made.words[1].name, "bob@b\u00FCcher.test");
}

TEST(Notification, GivesBackTheWholeMessageOfAFailureUnlessTheSenderWantsItsHeaders) {
  using Wanted = wire::dsn::OriginalReader::Wanted;
  mail::Envelope about = envelope({});
  const auto wanted_of = [&](Notice notice, mail::DsnReturn ret) {
    about.ret = ret;
    return wanted({notice, kAbout, about, {}});
  };
  using mail::DsnReturn;
  EXPECT_EQ(wanted_of(Notice::failure, DsnReturn::unspecified), Wanted::full);
  EXPECT_EQ(wanted_of(Notice::failure, DsnReturn::full), Wanted::full);
  EXPECT_EQ(wanted_of(Notice::failure, DsnReturn::headers), Wanted::headers);
  EXPECT_EQ(wanted_of(Notice::delay, DsnReturn::full), Wanted::headers);
  EXPECT_EQ(wanted_of(Notice::success, DsnReturn::full), Wanted::headers);
}

TEST(Notification, ComesFromNobodyAndNobodyIsToldOfIt) {
  mail::Envelope about = envelope({});
  about.smtputf8 = true;
  const mail::Envelope own = envelope_of({Notice::failure, kAbout, about, {}}, kNoon);
  EXPECT_TRUE(own.reverse_path.is_null());
  EXPECT_FALSE(own.smtputf8);
  EXPECT_EQ(own.received, kNoon);
  EXPECT_EQ(own.ret, mail::DsnReturn::unspecified);
  EXPECT_TRUE(notice_recipient(address("alice@example.com")).notify.never());
  about.reverse_path = mail::ReversePath(address("\u00E4lice@example.com"));
  EXPECT_TRUE(envelope_of({Notice::failure, kAbout, about, {}}, kNoon).smtputf8);
}

}  // namespace
}  // namespace postrider::queue
