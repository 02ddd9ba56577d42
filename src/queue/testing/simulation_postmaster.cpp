#include "queue/testing/simulation_postmaster.hpp"

#include <algorithm>
#include <memory>

namespace postrider::queue::testing {
namespace {

using namespace std::chrono_literals;

// Within this an answer comes to whoever asks something of a scheduler that runs, on a disk that has room.
constexpr base::Milliseconds kAnswer = 60s;

}  // namespace

std::vector<store::Claimed> SimulatedPostmaster::some_open(mail::RecipientState state, std::size_t most) {
  std::vector<store::Claimed> found;
  if (known_.empty()) return found;
  // What came lately is more often still there.
  const double back = stage_.dice.unit() * stage_.dice.unit();
  auto at = static_cast<std::size_t>(static_cast<double>(known_.size()) * (1 - back));
  for (std::size_t looked = 0; looked < 5000 && at < known_.size() && found.size() < most; ++looked, ++at) {
    auto message = stage_.backlog.find(known_[at]);
    if (!message) continue;
    std::erase_if(message->recipients, [&](std::uint32_t index) {
      return message->envelope->recipients[index].state != state || stage_.dice.chance(0.2);
    });
    if (!message->recipients.empty()) found.push_back(std::move(*message));
  }
  return found;
}

void SimulatedPostmaster::meddle() {
  const double what = stage_.dice.unit();
  const auto most = static_cast<std::size_t>(stage_.dice.between(1, 50));
  // Now and then what can't be done with it.
  const auto state = stage_.dice.chance(0.9) ? mail::RecipientState::waiting : mail::RecipientState::held;
  if (what < 0.4) return change(some_open(state, most), Change::retry);
  if (what < 0.6) return change(some_open(state, most), Change::hold);
  if (what < 0.8) return change(some_open(mail::RecipientState::held, most), Change::release);
  change(some_open(state, most / 5 + 1), what < 0.9 ? Change::bounce : Change::remove);
}

void SimulatedPostmaster::change(std::vector<store::Claimed> messages, Change what,
                                 std::function<void()> then) {
  Scheduler* const scheduler = scheduler_();
  if (!scheduler || messages.empty()) return;
  std::uint64_t count = 0;
  for (const store::Claimed& message : messages) {
    count += message.recipients.size();
    for (const std::uint32_t index : message.recipients) stage_.ledger.asked({message.id, index}, what);
  }
  auto answered = std::make_shared<bool>(false);
  scheduler->change(std::move(messages), what, "simulated",
                    [this, count, answered, then = std::move(then)](base::Result<Changed> result) {
                      *answered = true;
                      stage_.ledger.hash(result ? result->changed * 3 + result->unfit * 5 + result->busy : 1);
                      if (!result) {
                        if (!stage_.backlog.writes_fail)
                          stage_.ledger.fault("a change failed: " + result.error().text);
                        return;
                      }
                      changes += result->changed;
                      if (result->changed + result->unfit + result->busy > count)
                        stage_.ledger.fault("more was changed than was asked for");
                      if (then) stage_.events.after(Moment(1), then);
                    });
  stage_.events.after(kAnswer, [this, answered, process = stage_.life.process] {
    if (!*answered && stage_.life.is_alive(process) && !stage_.backlog.writes_fail)
      stage_.ledger.fault("a change was not answered");
  });
}

store::Suspension SimulatedPostmaster::some_suspension() {
  using What = store::Suspension::What;
  store::Suspension made;
  made.what = static_cast<What>(stage_.dice.between(1, 4));
  made.reason = "simulated";
  auto longest = std::chrono::duration_cast<base::Milliseconds>(6h);
  switch (made.what) {
    case What::all:
      longest = 10min;
      break;
    case What::destination:
      made.pattern = stage_.world.destinations[stage_.dice.below(40)].name;
      break;
    case What::site:
      made.pattern = stage_.world.sites[stage_.dice.below(stage_.world.sites.size())].name;
      break;
    case What::sender:
      if (stage_.dice.chance(0.4)) {
        made.pattern = SimulatedWorld::kFlooder;
      } else if (stage_.dice.chance(0.8)) {
        made.pattern = "s" + std::to_string(stage_.dice.below(500)) + "@small.example";
      }
      break;
  }
  if (stage_.dice.chance(0.6))
    made.until = stage_.clock.utc() + Moment(stage_.dice.between(10'000, longest.count()));
  made.made = stage_.clock.utc();
  return made;
}

void SimulatedPostmaster::suspend_something() {
  Scheduler* const scheduler = scheduler_();
  if (!scheduler) return;
  store::Suspension wanted = some_suspension();
  const auto process = stage_.life.process;
  scheduler->suspend(wanted, [this, wanted, process](base::Result<std::uint64_t> id) mutable {
    if (!stage_.life.is_alive(process) || !id) return;
    ++suspensions;
    wanted.id = *id;
    stage_.ledger.suspended(wanted);
    const auto longest = wanted.what == store::Suspension::What::all ? 10min : 180min;
    if (wanted.until && stage_.dice.chance(0.7)) return;  // let it expire
    stage_.events.after(Moment(stage_.dice.between(1000, base::Milliseconds(longest).count())),
                        [this, wanted] { resume(wanted.id, wanted); });
  });
}

void SimulatedPostmaster::resume(std::uint64_t id, store::Suspension suspension) {
  Scheduler* const scheduler = scheduler_();
  if (!scheduler || stage_.backlog.writes_fail)
    return stage_.events.after(1min, [this, id, suspension] { resume(id, suspension); });
  stage_.ledger.resumed(id);
  scheduler->resume(id, [this, id, suspension](base::Result<void> result) {
    if (result) return;
    if (!stage_.backlog.writes_fail) stage_.ledger.fault("a resume failed: " + result.error().text);
    stage_.events.after(1min, [this, id, suspension] { resume(id, suspension); });
  });
  if (suspension.what != store::Suspension::What::sender) return;
  // What the tool does then: all that the sender has is tried at once.
  change_pages(std::make_shared<std::vector<base::MessageId>>(known_), Change::retry,
               [suspension](const store::Claimed& one) {
                 return one.envelope->reverse_path.to_string() == suspension.pattern;
               });
}

// Page by page, the next when the last was answered, as the tools do it.
void SimulatedPostmaster::change_pages(std::shared_ptr<std::vector<base::MessageId>> ids, Change what,
                                       std::function<bool(const store::Claimed&)> meant) {
  const auto state = what == Change::release ? mail::RecipientState::held : mail::RecipientState::waiting;
  std::vector<store::Claimed> page;
  while (!ids->empty() && page.size() < 100) {
    auto message = stage_.backlog.find(ids->back());
    ids->pop_back();
    if (!message || !meant(*message)) continue;
    std::erase_if(message->recipients,
                  [&](std::uint32_t index) { return message->envelope->recipients[index].state != state; });
    if (!message->recipients.empty()) page.push_back(std::move(*message));
  }
  change(std::move(page), what, [this, ids, what, meant] { change_pages(ids, what, meant); });
}

void SimulatedPostmaster::resume_all() {
  Scheduler* const scheduler = scheduler_();
  if (!scheduler) return;
  scheduler->suspensions([this](base::Result<std::vector<store::Suspension>> all) {
    if (!all) return stage_.events.after(Moment(1000), [this] { resume_all(); });
    for (const store::Suspension& one : *all) resume(one.id, one);
  });
}

void SimulatedPostmaster::release_all_held() {
  change_pages(std::make_shared<std::vector<base::MessageId>>(known_), Change::release,
               [](const store::Claimed&) { return true; });
}

void SimulatedPostmaster::look_around() {
  Scheduler* const scheduler = scheduler_();
  if (!scheduler) return;
  scheduler->sites([this](std::vector<SiteState> all) {
    for (const SiteState& site : all) {
      if (site.running > site.max_concurrency && site.max_concurrency > 0)
        stage_.ledger.fault("shown with too many attempts: " + site.name);
      stage_.ledger.hash(site.running + site.in_memory * 100);
    }
  });
  scheduler->destinations_of(stage_.world.sites[stage_.dice.below(stage_.world.sites.size())].name,
                             [this](std::vector<std::string> names) { stage_.ledger.hash(names.size()); });
  for (store::Claimed& message : some_open(mail::RecipientState::waiting, 3)) {
    const std::size_t count = message.recipients.size();
    scheduler->explain(std::move(message), [this, count](std::vector<Waiting> why) {
      if (why.size() != count) stage_.ledger.fault("not every recipient is explained");
      for (const Waiting& one : why) {
        if (one.why.empty()) stage_.ledger.fault("waits without a reason");
        stage_.ledger.hash(one.why.size());
      }
    });
  }
}

}  // namespace postrider::queue::testing
