// A desk for tests: it has the rows that the test gives it, and remembers what was asked of it.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "queue/operator.hpp"

namespace postrider::admin::testing {

inline base::MessageId id(std::int64_t number) { return {number}; }

inline mail::Address address(std::string_view text) { return *mail::Address::parse(text); }

inline mail::Recipient recipient(std::string_view original, std::string_view final) {
  return {.original = address(original),
          .alias = {},
          .final = address(final),
          .orcpt = {},
          .notify = {},
          .state = mail::RecipientState::waiting,
          .attempts = 0,
          .warned = false,
          .due = {},
          .last = {}};
}

inline store::Listed row(std::int64_t message, std::uint32_t index,
                         mail::RecipientState state = mail::RecipientState::waiting) {
  store::Listed row;
  row.id = {id(message), index};
  row.sender = "a@client.test";
  row.original = row.recipient = "b@example.test";
  row.destination = "example.test";
  row.state = state;
  row.size = 1234;
  return row;
}

// Any thread.
class FakeDesk final : public queue::Operator {
 public:
  std::vector<store::Listed> rows;  // by id; list() knows no filter but `state`
  std::vector<store::Suspension> suspended;
  base::MessageId end = id(100'000);
  std::function<void()> before_list = [] {};

  struct Changing {
    std::vector<store::RecipientId> recipients;
    queue::Change change;
    std::string reason;
  };
  std::vector<Changing> changes;
  store::Selection selection;  // the last one

  base::Result<store::ListedPage> list(const store::Selection& asked, std::optional<store::RecipientId> after,
                                       std::size_t limit) override {
    before_list();
    std::lock_guard lock(mutex_);
    selection = asked;
    store::ListedPage page;
    for (const auto& each : rows) {
      if ((after && each.id <= *after) || (asked.state && each.state != *asked.state)) continue;
      if (page.rows.size() == limit) {
        page.next = page.rows.back().id;
        break;
      }
      page.rows.push_back(each);
    }
    return page;
  }
  base::MessageId boundary() override { return end; }
  base::Result<queue::Shown> show(base::MessageId message) override {
    if (message != id(7)) return base::permanent({5, 1, 0}, "there is no such message");
    queue::Shown shown{.id = message, .envelope = {}, .edits = {}, .header = {}, .waiting = {}};
    shown.envelope.reverse_path = mail::ReversePath(address("a@client.test"));
    mail::Recipient waiting = recipient("info@example.test", "b@example.test");
    waiting.attempts = 2;
    waiting.notify.specified = waiting.notify.delay = true;
    waiting.last.emplace();
    waiting.last->reply = mail::reply(451, 4, 1, "no answer");
    waiting.last->relay = "mx.test";
    const mail::Recipient gone = recipient("c@example.test", "c@example.test");
    shown.envelope.recipients = {waiting, gone};
    shown.edits = {mail::PrependField{"X-Id: 1\r\n"}, mail::RemoveField{3}};
    shown.header = "Subject: caf\xE9\r\n";
    shown.waiting = {{.recipient = 0, .why = "its site is given up", .until = base::UtcTime{}}};
    return shown;
  }
  base::Result<queue::Changed> change(std::vector<store::RecipientId> recipients, queue::Change change,
                                      const std::string& reason) override {
    std::lock_guard lock(mutex_);
    changes.push_back({recipients, change, reason});
    return queue::Changed{.changed = recipients.size() - 1, .unfit = 0, .busy = 1};
  }
  base::Result<std::uint64_t> suspend(store::Suspension suspension) override {
    std::lock_guard lock(mutex_);
    suspension.id = suspended.size() + 1;
    suspended.push_back(suspension);
    return suspension.id;
  }
  base::Result<void> resume(std::uint64_t number) override {
    std::lock_guard lock(mutex_);
    std::erase_if(suspended, [&](const auto& each) { return each.id == number; });
    return {};
  }
  base::Result<std::vector<store::Suspension>> suspensions() override { return suspended; }
  base::Result<std::vector<queue::SiteState>> sites() override {
    queue::SiteState site;
    site.name = "mx.example.test";
    site.destinations = {"example.test"};
    site.running = 3;
    return std::vector{site};
  }
  base::Result<queue::Found> destinations_of(const std::string& site) override {
    if (site != "mx.example.test") return queue::Found();
    return queue::Found{.names = {"example.test", "other.test"}, .not_told = 3};
  }

 private:
  std::mutex mutex_;
};

}  // namespace postrider::admin::testing
