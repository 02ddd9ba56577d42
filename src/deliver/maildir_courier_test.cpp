#include "deliver/maildir_courier.hpp"

#include <gmock/gmock.h>

#include <future>

namespace postrider::deliver {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr auto kPatience = std::chrono::seconds(20);

class Text final : public queue::Content {
 public:
  explicit Text(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  base::Result<std::string> next() override { return at_ < pieces_.size() ? pieces_[at_++] : std::string(); }

 private:
  std::vector<std::string> pieces_;
  std::size_t at_ = 0;
};

// Notes each batch, reads its messages, and waits at the gate where there is one.
class FakeStore final : public MailboxStore {
 public:
  struct Seen {
    std::string directory, message;
    bool operator==(const Seen&) const = default;
  };
  std::vector<std::vector<Seen>> batches;
  std::optional<MailboxFault> fault;
  std::promise<void> entered;
  std::optional<std::shared_future<void>> gate;

  std::vector<MailboxResult> deliver(const std::vector<MailboxDelivery>& batch) override {
    auto& seen = batches.emplace_back();
    std::vector<MailboxResult> results;
    for (const auto& delivery : batch) {
      std::string message = delivery.top;
      const auto content = delivery.open();
      for (auto piece = content->next(); !piece->empty(); piece = content->next()) message += *piece;
      seen.push_back({delivery.mailbox.directory, message});
      if (fault) {
        results.emplace_back(std::unexpected(MailboxFailure{*fault, "why"}));
      } else {
        results.emplace_back("/file");
      }
    }
    if (gate && batches.size() == 1) {
      entered.set_value();
      gate->wait();
    }
    return results;
  }
};

std::optional<MailboxTarget> resolve(const mail::Address& address) {
  if (address.local() == "nobody") return {};
  return MailboxTarget{.directory = "/mail/" + address.local()};
}

queue::Job job(const std::vector<std::string>& to, std::vector<std::string> pieces = {"A: 1\r\n\r\nbody\r\n"},
               std::uint64_t size = 14) {
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->reverse_path = mail::ReversePath(*mail::Address::parse("alice@example.org"));
  envelope->size = size;
  queue::Job made{.id = {1},
                  .envelope = {},
                  .recipients = {},
                  .destination = {*mail::Domain::parse("example.com"), std::make_shared<config::Route>()},
                  .site = "local",
                  .open = {}};
  for (const auto& one : to) {
    const auto address = *mail::Address::parse(one);
    made.recipients.push_back(static_cast<std::uint32_t>(envelope->recipients.size()));
    envelope->recipients.push_back(
        {.original = address, .alias = {}, .final = address, .orcpt = {}, .notify = {}, .last = {}});
  }
  made.envelope = std::move(envelope);
  made.open = [pieces = std::move(pieces)] { return std::make_unique<Text>(pieces); };
  return made;
}

using Outcomes = std::vector<mail::Outcome>;

std::future<Outcomes> start(MaildirCourier& courier, queue::Job job) {
  auto promise = std::make_shared<std::promise<Outcomes>>();
  courier.deliver(std::move(job),
                  [promise](queue::Report report) { promise->set_value(std::move(report.outcomes)); });
  return promise->get_future();
}

Outcomes result(std::future<Outcomes> future) {
  if (future.wait_for(kPatience) != std::future_status::ready) {
    ADD_FAILURE() << "no outcome came";
    std::abort();
  }
  return future.get();
}

TEST(MaildirCourier, SaysWhereTheMessageLies) {
  FakeStore store;
  MaildirCourier courier(store, resolve);
  const auto outcomes = result(start(courier, job({"bob@example.com"})));
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes[0].action, mail::Action::delivered);
  EXPECT_EQ(outcomes[0].reply, mail::reply(250, 0, 0, "delivered"));
  EXPECT_EQ(outcomes[0].relay, "maildir");
  EXPECT_EQ(outcomes[0].detail, "/file");
}

TEST(MaildirCourier, GivesEachRecipientOfOneMessageAFileWithItsOwnFieldsOnTop) {
  for (const std::vector<std::string>& pieces :
       {std::vector<std::string>{"A: 1\r\n\r\n"}, {"A: 1\r\n", "\r\n"}, {"A: 1", "\r\n", "\r\n"}}) {
    FakeStore store;
    MaildirCourier courier(store, resolve);
    result(start(courier, job({"bob@example.com", "carol@example.com"}, pieces)));
    const auto expected = [](const std::string& user) {
      return FakeStore::Seen{"/mail/" + user, "Return-Path: <alice@example.org>\r\nDelivered-To: " + user +
                                                  "@example.com\r\nA: 1\r\n\r\n"};
    };
    EXPECT_THAT(store.batches, ElementsAre(ElementsAre(expected("bob"), expected("carol"))));
  }
}

TEST(MaildirCourier, ReadsAShortMessageOnceForAllItsRecipients) {
  FakeStore store;
  MaildirCourier courier(store, resolve);
  auto order = job({"bob@example.com", "carol@example.com", "dave@example.com"});
  auto opened = std::make_shared<int>(0);
  order.open = [opened, open = order.open] {
    ++*opened;
    return open();
  };
  result(start(courier, std::move(order)));
  EXPECT_EQ(*opened, 1);
}

TEST(MaildirCourier, FailsAnUnknownUserAndDeliversToTheOthers) {
  FakeStore store;
  MaildirCourier courier(store, resolve);
  const auto outcomes = result(start(courier, job({"nobody@example.com", "bob@example.com"})));
  EXPECT_EQ(outcomes[0].action, mail::Action::failed);
  EXPECT_EQ(outcomes[0].reply, mail::reply(550, 1, 1, "no such user here"));
  EXPECT_EQ(outcomes[1].action, mail::Action::delivered);
}

TEST(MaildirCourier, TellsEachFaultByItsCode) {
  const auto outcome_of = [](MailboxFault fault) {
    FakeStore store;
    store.fault = fault;
    MaildirCourier courier(store, resolve);
    auto outcome = result(start(courier, job({"bob@example.com"})))[0];
    EXPECT_EQ(outcome.detail, "why");
    return outcome;
  };
  const auto expect = [&](MailboxFault fault, mail::Action action, const mail::Reply& reply) {
    const auto outcome = outcome_of(fault);
    EXPECT_EQ(outcome.action, action);
    EXPECT_EQ(outcome.reply, reply);
  };
  using mail::Action;
  expect(MailboxFault::over_quota, Action::deferred, mail::reply(452, 2, 2, "mailbox full"));
  expect(MailboxFault::no_space, Action::deferred, mail::reply(452, 3, 1, "insufficient system storage"));
  expect(MailboxFault::no_such_folder, Action::failed, mail::reply(550, 2, 0, "no such folder"));
  expect(MailboxFault::not_ours, Action::deferred, mail::reply(451, 3, 5, "mailbox misconfigured"));
  expect(MailboxFault::unwritten, Action::deferred, mail::reply(451, 3, 0, "mailbox could not be written"));
}

class MaildirBatches : public ::testing::Test {
 protected:
  // Occupies the courier with a first batch of one.
  void occupy() {
    store.gate = gate.get_future().share();
    first = start(courier, job({"first@example.com"}));
    store.entered.get_future().wait();
  }
  void go_on() {
    gate.set_value();
    result(std::move(first));
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> all;
    for (const auto& batch : store.batches) all.push_back(batch.size());
    return all;
  }

  FakeStore store;
  std::promise<void> gate;
  std::future<Outcomes> first;
  MaildirCourier courier{store, resolve};
};

TEST_F(MaildirBatches, TakeAllThatWaitsUpToTwoHundred) {
  occupy();
  std::vector<std::future<Outcomes>> rest;
  for (int i = 0; i < 150; ++i) rest.push_back(start(courier, job({"bob@example.com", "carol@example.com"})));
  go_on();
  for (auto& one : rest) EXPECT_THAT(result(std::move(one)), SizeIs(2));
  EXPECT_THAT(sizes(), ElementsAre(1, 200, 100));
}

TEST_F(MaildirBatches, TakeAtMost32MegabytesUnlessOneMessageIsLarger) {
  occupy();
  std::vector<std::future<Outcomes>> rest;
  constexpr std::uint64_t kMegabyte = 1u << 20;
  for (const std::uint64_t size : {16 * kMegabyte, 16 * kMegabyte, kMegabyte, 50 * kMegabyte, kMegabyte})
    rest.push_back(start(courier, job({"bob@example.com"}, {"x"}, size)));
  go_on();
  for (auto& one : rest) result(std::move(one));
  EXPECT_THAT(sizes(), ElementsAre(1, 2, 1, 1, 1));
}

TEST(MaildirCourier, StoppingEndsTheBatchAndDefersWhatWaits) {
  FakeStore store;
  std::promise<void> gate;
  store.gate = gate.get_future().share();
  auto courier = std::make_unique<MaildirCourier>(store, resolve);
  auto first = start(*courier, job({"bob@example.com"}));
  store.entered.get_future().wait();
  auto waiting = start(*courier, job({"carol@example.com"}));
  auto stopped = std::async(std::launch::async, [&] { courier.reset(); });
  // The stop is under way, or not yet: either way only what is in hand may end as delivered once it waits.
  while (stopped.wait_for(std::chrono::milliseconds(50)) == std::future_status::ready) FAIL();
  gate.set_value();
  ASSERT_EQ(stopped.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(result(std::move(first))[0].action, mail::Action::delivered);
  const auto outcome = result(std::move(waiting))[0];
  EXPECT_EQ(outcome.action, mail::Action::deferred);
  EXPECT_EQ(outcome.reply, mail::reply(451, 3, 2, "shutting down"));
}

}  // namespace
}  // namespace postrider::deliver
