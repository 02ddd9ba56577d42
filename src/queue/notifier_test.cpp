#include "queue/notifier.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "store/testing/blocking_spool.hpp"
#include "sys/fake/clock.hpp"
#include "wire/dsn/delivery_status.hpp"

namespace postrider::queue {
namespace {

namespace st = store::testing;
using base::Result;
using store::testing::Answer;
using wire::dsn::parse_delivery_status;

constexpr std::string_view kMessage = "Message-ID: <1@example.com>\r\nSubject: hello\r\n\r\nbody\r\n";

mail::Recipient ended(std::string_view address, mail::Action action, mail::Notify notify = {}) {
  mail::Recipient out = st::recipient(address);
  out.notify = notify;
  out.state = mail::RecipientState::untold;
  out.last = mail::Outcome{.action = action,
                           .reply = mail::reply(action == mail::Action::failed ? 550 : 250, 1, 1, "words"),
                           .relay = "mx.example.net[192.0.2.1]:25",
                           .detail = {},
                           .at = base::UtcTime(std::chrono::seconds(1'792'843'200))};
  return out;
}

constexpr mail::Notify kSuccess{.specified = true, .success = true, .failure = true};
constexpr mail::Notify kNever{.specified = true};

// A notifier with a real spool; what it has accepted, and how, is kept.
struct Desk {
  Desk() {
    spool = store::Spool::open(
                {.directory = folder.path() / "spool", .min_free_bytes = 0, .min_free_inodes = 0}, clock)
                .value();
    config = std::make_shared<config::Config>(*mail::Domain::parse("mx.test"));
    start();
  }
  void start() {
    Notifier::Parts parts{.spool = *spool,
                          .clock = clock,
                          .config = [this] { return config; },
                          .note = [this](store::Event event) { events.push_back(std::move(event)); },
                          .accept = {}};
    parts.accept = [this](Incoming incoming, store::Told told, auto done) {
      if (refuse) return done(base::temporary({4, 3, 1}, "no room"));
      const base::MessageId id = incoming.draft.id();
      accepted.push_back({id, incoming.envelope});
      signable.push_back(incoming.content && incoming.content->body_hash);
      for (auto& one : incoming.decisions) all_decisions.push_back(std::move(one));
      spool->commit(std::move(incoming.draft), std::move(incoming.envelope), {}, "me", std::move(told),
                    [id, done = std::move(done)](Result<void> result) mutable {
                      if (!result) return done(std::unexpected(result.error()));
                      done(id);
                    });
    };
    parts.recipients = resolve;
    notifier = std::make_unique<Notifier>(std::move(parts));
  }

  base::MessageId put(std::vector<mail::Recipient> recipients) {
    return put(st::envelope(std::move(recipients)));
  }
  base::MessageId put(mail::Envelope envelope) {
    return st::put(*spool, kMessage, std::move(envelope)).value();
  }
  // Of a message with two recipients that wait.
  store::Claimed waiting(base::MessageId id) {
    spool->unclaim({{id, 0}, {id, 1}});
    for (auto& one : st::claim(*spool, base::UtcTime::max()).value())
      if (one.id == id) return one;
    return {};
  }
  store::Claimed untold() { return st::untold(*spool).value().at(0); }
  std::size_t count_untold() { return st::untold(*spool).value().size(); }
  Result<void> tell(store::Claimed claimed) {
    Answer<Result<void>> answer;
    notifier->tell(std::move(claimed), shared(answer));
    return answer.wait();
  }
  Result<bool> warn(Delayed delayed) {
    Answer<Result<bool>> answer;
    notifier->warn(std::move(delayed), shared(answer));
    return answer.wait();
  }
  std::string text(std::size_t index) { return st::read_all(*spool, accepted.at(index).first).value(); }
  std::vector<wire::dsn::Recipient> told_in(std::size_t index) {
    const std::string message = text(index);
    return parse_delivery_status(wire::dsn::find_delivery_status(message).value()).value().recipients;
  }

  template <class T>
  static std::function<void(Result<T>)> shared(Answer<Result<T>>& answer) {
    auto completion = std::make_shared<decltype(answer.completion())>(answer.completion());
    return [completion](Result<T> result) { (*completion)(std::move(result)); };
  }

  st::TemporaryFolder folder;
  sys::fake::Clock clock;
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<store::Spool> spool;
  bool refuse = false;
  std::function<std::vector<mail::Recipient>(const mail::Address&)> resolve;
  std::vector<store::Event> events;
  std::vector<std::pair<base::MessageId, mail::Envelope>> accepted;
  std::vector<bool> signable;
  std::vector<std::string> all_decisions;
  std::unique_ptr<Notifier> notifier;
};

TEST(Notifier, TellsTheSenderAndEndsTheRecipientsInOneTransaction) {
  Desk desk;
  desk.put(
      {ended("bob@example.net", mail::Action::failed), ended("carol@example.net", mail::Action::failed)});
  const auto before = desk.spool->statistics().transactions;
  ASSERT_TRUE(desk.tell(desk.untold()));
  EXPECT_EQ(desk.spool->statistics().transactions, before + 1);
  EXPECT_EQ(desk.count_untold(), 0u);
  EXPECT_EQ(desk.spool->statistics().messages, 1u);
  ASSERT_EQ(desk.accepted.size(), 1u);
  const auto told = desk.told_in(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].final.text, "bob@example.net");
  EXPECT_EQ(told[1].final.text, "carol@example.net");
  EXPECT_TRUE(
      desk.text(0).starts_with("From: Mail Delivery System <MAILER-DAEMON@mx.test>\r\n"
                               "To: alice@example.com\r\n"));
  EXPECT_NE(desk.text(0).find("Content-Type: message/rfc822\r\n\r\n" + std::string(kMessage)),
            std::string::npos);
}

TEST(Notifier, WritesFromNobodyAndAsksForNoNotificationItself) {
  Desk desk;
  desk.put({ended("bob@example.net", mail::Action::failed)});
  ASSERT_TRUE(desk.tell(desk.untold()));
  const mail::Envelope& envelope = desk.accepted.at(0).second;
  EXPECT_TRUE(envelope.reverse_path.is_null());
  ASSERT_EQ(envelope.recipients.size(), 1u);
  EXPECT_EQ(envelope.recipients[0].final, st::address("alice@example.com"));
  EXPECT_TRUE(envelope.recipients[0].notify.never());
  EXPECT_EQ(envelope.size, desk.text(0).size());
  EXPECT_EQ(envelope.body, mail::BodyType::seven_bit);
  EXPECT_EQ(desk.signable, std::vector{true});
}

TEST(Notifier, LeavesALineInTheTimelineOfTheOriginal) {
  Desk desk;
  const auto about = desk.put({ended("bob@example.net", mail::Action::failed)});
  ASSERT_TRUE(desk.tell(desk.untold()));
  ASSERT_EQ(desk.events.size(), 1u);
  EXPECT_EQ(desk.events[0].message, about);
  EXPECT_EQ(desk.events[0].kind, store::EventKind::notified);
  const std::vector<std::pair<std::string_view, std::string>> facts = {
      {"of", "failure"},
      {"to", "alice@example.com"},
      {"recipients", "bob@example.net"},
      {"by", desk.accepted.at(0).first.to_string()}};
  EXPECT_EQ(desk.events[0].facts, facts);
  EXPECT_EQ(desk.all_decisions, std::vector{"notification: failure of " + about.to_string()});
}

TEST(Notifier, TellsOfFailuresAndOfSuccessesApart) {
  Desk desk;
  desk.put({ended("bob@example.net", mail::Action::delivered, kSuccess),
            ended("carol@example.net", mail::Action::failed),
            ended("dave@example.net", mail::Action::relayed, kSuccess)});
  ASSERT_TRUE(desk.tell(desk.untold()));
  ASSERT_EQ(desk.accepted.size(), 2u);
  ASSERT_EQ(desk.told_in(0).size(), 1u);
  EXPECT_EQ(desk.told_in(0)[0].final.text, "carol@example.net");
  ASSERT_EQ(desk.told_in(1).size(), 2u);
  EXPECT_EQ(desk.told_in(1)[0].action, wire::dsn::Action::delivered);
  EXPECT_EQ(desk.told_in(1)[1].action, wire::dsn::Action::relayed);
  EXPECT_NE(desk.text(1).find("Content-Type: text/rfc822-headers\r\n"), std::string::npos);
  EXPECT_EQ(desk.count_untold(), 0u);
}

TEST(Notifier, EndsInSilenceWhomNobodyWantsToHearOf) {
  Desk desk;
  desk.put({ended("bob@example.net", mail::Action::failed, kNever)});
  mail::Envelope bounce = st::envelope({ended("carol@example.net", mail::Action::failed)});
  bounce.reverse_path = {};
  desk.put(bounce);
  for (store::Claimed& one : st::untold(*desk.spool).value()) ASSERT_TRUE(desk.tell(std::move(one)));
  EXPECT_EQ(desk.accepted.size(), 0u);
  EXPECT_EQ(desk.count_untold(), 0u);
  EXPECT_EQ(desk.spool->statistics().messages, 0u);
}

TEST(Notifier, ChangesNothingWhereTheNotificationCannotBeAccepted) {
  Desk desk;
  desk.put({ended("bob@example.net", mail::Action::failed)});
  desk.refuse = true;
  const auto result = desk.tell(desk.untold());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "no room");
  EXPECT_EQ(desk.count_untold(), 1u);
  EXPECT_TRUE(desk.events.empty());
  desk.refuse = false;
  EXPECT_TRUE(desk.tell(desk.untold()));
  EXPECT_EQ(desk.count_untold(), 0u);
}

TEST(Notifier, WarnsOnceOfAllThatWaitAndLeavesThemWaiting) {
  Desk desk;
  auto never = st::recipient("carol@example.net");
  never.notify = kNever;
  auto envelope = st::envelope({st::recipient("bob@example.net"), never, st::recipient("dora@example.org")});
  envelope.received = desk.clock.utc();
  const auto id = desk.put(envelope);
  const mail::Outcome refused{.action = mail::Action::deferred,
                              .reply = mail::reply(451, 4, 1, "no answer"),
                              .relay = {},
                              .detail = {},
                              .at = desk.clock.utc()};
  EXPECT_FALSE(desk.warn({.message = id}).value()) << "too early";
  desk.clock.advance(desk.config->queue.warn_after);
  EXPECT_TRUE(desk.warn({.message = id, .reasons = {{0, refused}}}).value());
  const auto told = desk.told_in(0);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].action, wire::dsn::Action::delayed);
  EXPECT_EQ(told[0].diagnostic->text, "451 4.4.1 no answer");
  EXPECT_EQ(told[1].diagnostic->text, "451 4.4.5 the destination takes no mail at the moment");
  const auto now = desk.waiting(id);
  EXPECT_EQ(told[0].will_retry_until,
            std::chrono::floor<std::chrono::seconds>(now.envelope->received + desk.config->queue.expire));
  EXPECT_TRUE(now.envelope->recipients[0].warned);
  EXPECT_FALSE(now.envelope->recipients[1].warned);
  EXPECT_EQ(now.envelope->recipients[0].state, mail::RecipientState::waiting);
  EXPECT_EQ(desk.events.at(0).facts.at(0).second, "delay");
  EXPECT_TRUE(desk.warn({.message = id}).value());
  EXPECT_EQ(desk.accepted.size(), 1u);
}

TEST(Notifier, FollowsAnAliasOfTheSender) {
  Desk desk;
  desk.resolve = [](const mail::Address& address) {
    mail::Recipient one = st::recipient("alice@elsewhere.test");
    one.alias = address;
    return std::vector{one, st::recipient("anna@elsewhere.test")};
  };
  desk.start();
  desk.put({ended("bob@example.net", mail::Action::failed)});
  ASSERT_TRUE(desk.tell(desk.untold()));
  const auto& recipients = desk.accepted.at(0).second.recipients;
  ASSERT_EQ(recipients.size(), 2u);
  EXPECT_EQ(recipients[0].final, st::address("alice@elsewhere.test"));
  EXPECT_TRUE(recipients[0].notify.never());
  EXPECT_TRUE(recipients[1].notify.never());
}

TEST(Notifier, WritesAnotherNotificationForEachThousandRecipients) {
  Desk desk;
  std::vector<mail::Recipient> many;
  for (std::size_t i = 0; i < kRecipientsPerNotice + 1; ++i)
    many.push_back(ended("bob" + std::to_string(i) + "@example.net", mail::Action::failed));
  desk.put(std::move(many));
  ASSERT_TRUE(desk.tell(desk.untold()));
  ASSERT_EQ(desk.accepted.size(), 2u);
  EXPECT_EQ(desk.told_in(0).size(), kRecipientsPerNotice);
  EXPECT_EQ(desk.told_in(1).size(), 1u);
  EXPECT_EQ(desk.count_untold(), 0u);
}

TEST(Notifier, AnswersEverythingBeforeItGoes) {
  Desk desk;
  for (int i = 0; i < 20; ++i) desk.put({ended("bob@example.net", mail::Action::failed)});
  std::mutex mutex;
  int answers = 0;
  for (store::Claimed& one : st::untold(*desk.spool).value()) {
    desk.notifier->tell(std::move(one), [&](Result<void>) {
      std::lock_guard lock(mutex);
      ++answers;
    });
  }
  desk.notifier.reset();
  EXPECT_EQ(answers, 20);
}

}  // namespace
}  // namespace postrider::queue
