#include "queue/testing/simulation_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "queue/failure.hpp"

namespace postrider::queue::testing {
namespace {

constexpr std::size_t kFaultsKept = 20;
// Clocks that jump less are none of the strand's business.
constexpr base::Milliseconds kJump = std::chrono::hours(1);
// No wait that turns explain is longer.
constexpr Moment kTurnsKept = std::chrono::hours(1);

bool is_success(mail::Action action) {
  return action == mail::Action::delivered || action == mail::Action::relayed ||
         action == mail::Action::expanded;
}

}  // namespace

Ledger::Ledger(const SimulatedWorld& world, const MemoryBacklog& backlog, const sys::Clock& clock,
               const config::Queue& settings)
    : world_(world),
      backlog_(backlog),
      clock_(clock),
      settings_(settings),
      sites_(world.sites.size()),
      located_(world.destinations.size()),
      begun_(world.destinations.size()) {}

std::string Ledger::when() const {
  const auto at = now().count();
  return fmt::format("day {} {:02}:{:02}:{:02}.{:03} ({})", at / 86'400'000, at / 3'600'000 % 24,
                     at / 60'000 % 60, at / 1000 % 60, at % 1000, base::to_rfc3339(clock_.utc()));
}

void Ledger::fault(std::string what) {
  ++fault_count_;
  if (faults_.size() < kFaultsKept) faults_.push_back(when() + ": " + what);
}

void Ledger::tell(store::RecipientId id, const char* what, const std::string& more) const {
  if (id.message == followed_ && followed_) fmt::print("{}: {}: {} {}\n", when(), name(id), what, more);
}

std::string Ledger::name(store::RecipientId id) const {
  const auto found = messages_.find(id.message);
  if (found == messages_.end()) return fmt::format("{}/{}", id.message.to_string(), id.index);
  const Fate& fate = fates_[found->second.first + id.index];
  const SimulatedSite& site = world_.sites[site_of(fate)];
  return fmt::format("{}/{} to {} at {} ({})", id.message.to_string(), id.index,
                     world_.destinations[fate.destination].name, site.name, static_cast<int>(site.temper));
}

void Ledger::fault(store::RecipientId id, const std::string& what) { fault(name(id) + ": " + what); }

Ledger::Fate* Ledger::find(store::RecipientId id, Message** message) {
  const auto found = messages_.find(id.message);
  if (found == messages_.end() || id.index >= found->second.envelope->recipients.size()) {
    fault(name(id) + ": nobody knows it");
    return nullptr;
  }
  if (message) *message = &found->second;
  return &fates_[found->second.first + id.index];
}

std::size_t Ledger::site_of(const Fate& fate) const {
  return world_.destinations[fate.destination].site_at(now());
}

std::uint64_t Ledger::flow_of(const Fate& fate, const mail::Envelope& envelope) {
  return mix(std::hash<std::string>{}(envelope.reverse_path.to_string()), fate.destination);
}

void Ledger::received(base::MessageId id, std::shared_ptr<const mail::Envelope> envelope,
                      const Arrival& arrival) {
  Message message{.envelope = std::move(envelope)};
  message.first = static_cast<std::uint32_t>(fates_.size());
  message.open = static_cast<std::uint32_t>(message.envelope->recipients.size());
  message.small = message.open <= 20 && (arrival.flood < 0 || arrival.beside_flood);
  for (const mail::Recipient& recipient : message.envelope->recipients) {
    Fate& fate = fates_.emplace_back();
    fate.destination = static_cast<std::uint16_t>(world_.destination(recipient.final.domain()->ascii()));
    fate.process = process_;
    fate.received = fate.written = now();
    fate.alone = open_of_sender_[flow_of(fate, *message.envelope)]++ == 0;
    if (recipient.state == mail::RecipientState::untold) fate.untold_end = End::expanded;
  }
  messages_.emplace(id, std::move(message));
}

void Ledger::process_started() {
  ++process_;
  lives_ = true;
  if (followed_) fmt::print("{}: a process starts\n", when());
  started_ = now();
  end_suspensions(clock_.utc());
  disk_known_full_ = false;
  for (SiteWatch& site : sites_) {
    site.begun.clear();
    site.running = 0;
    site.surely_allowed = 5;
  }
}

void Ledger::process_ended(bool outcomes_may_be_lost) {
  end_suspensions(clock_.utc());
  lives_ = false;
  if (followed_) fmt::print("{}: it ends\n", when());
  for (auto& [id, message] : messages_) {
    message.telling = false;
    for (std::uint32_t index = 0; index < message.envelope->recipients.size(); ++index) {
      Fate& fate = fates_[message.first + index];
      if (fate.decided && !outcomes_may_be_lost) fault({id, index}, "its outcome was lost in a clean stop");
      if (fate.running || fate.decided) fate.may_repeat = true;
      fate.running = fate.decided = false;
      fate.asked = 0;
    }
  }
}

void Ledger::jumped(base::Milliseconds by) {
  hash(static_cast<std::uint64_t>(by.count()));
  if (followed_) fmt::print("{}: the clock jumped by {} s\n", when(), by.count() / 1000);
  end_suspensions(clock_.utc() - by);
  end_suspensions(clock_.utc());
  shifted_ = now();
  if (by < base::Milliseconds(0)) shifted_back_ = now();
  if (std::chrono::abs(by) < kJump) return;
  any_jump_ = true;
  jumped_ = now();
  if (by < base::Milliseconds(0)) jumped_back_ = now();
}

// Whose time is over for a strand that sees it, is gone, however the clock is set then.
void Ledger::end_suspensions(base::UtcTime time) {
  for (Suspended& one : suspensions_) {
    if (lives_ && one.what.until && *one.what.until <= time) one.to = std::min(one.to, now());
  }
}

void Ledger::spool_fails(bool fails) {
  if (!fails) spool_failed_ = now();
  if (followed_) fmt::print("{}: the spool {}\n", when(), fails ? "fails" : "works again");
  spool_fails_ = fails;
}

void Ledger::asked(store::RecipientId id, Change change) {
  if (Fate* const fate = find(id)) {
    fate->asked |= static_cast<std::uint8_t>(1 << static_cast<int>(change));
    fate->touched = true;
    tell(id, "asked for", std::to_string(static_cast<int>(change)));
    fate->written_since = 0;
  }
}

void Ledger::suspended(store::Suspension suspension) {
  hash(suspension.id);
  if (followed_)
    fmt::print("{}: suspended: {}: kind {} '{}' until {}\n", when(), suspension.id,
               static_cast<int>(suspension.what), suspension.pattern,
               suspension.until ? base::to_rfc3339(*suspension.until) : "resumed");
  suspensions_.push_back({.what = std::move(suspension), .from = now()});
}

void Ledger::resumed(std::uint64_t id) {
  if (followed_) fmt::print("{}: resumed: {}\n", when(), id);
  for (Suspended& one : suspensions_) {
    if (one.what.id == id) one.to = std::min(one.to, now());
  }
}

bool Ledger::matches(const store::Suspension& suspension, const Fate& fate,
                     const mail::Envelope& envelope) const {
  using What = store::Suspension::What;
  switch (suspension.what) {
    case What::all:
      return true;
    case What::destination:
      return suspension.pattern == world_.destinations[fate.destination].name;
    case What::site:
      return suspension.pattern == world_.sites[site_of(fate)].name;
    case What::sender:
      return suspension.pattern == envelope.reverse_path.to_string();
  }
  return false;
}

void Ledger::begins(const Job& job) {
  hash(static_cast<std::uint64_t>(job.id.value));
  hash(static_cast<std::uint64_t>(now().count()));
  const auto found = messages_.find(job.id);
  if (found == messages_.end()) return fault(job.id.to_string() + ": an attempt, and nobody knows it");
  if (job.recipients.empty() || job.recipients.size() > kRecipientsPerJob)
    fault(job.id.to_string() + ": a job of " + std::to_string(job.recipients.size()));
  if (disk_known_full_) fault(job.id.to_string() + ": an attempt while nothing can be recorded");
  std::size_t site = world_.sites.size();
  for (const std::uint32_t index : job.recipients) {
    hash(index);
    Fate* const fate = find({job.id, index});
    if (!fate) continue;
    const SimulatedDestination& to = world_.destinations[fate->destination];
    if (to.name != mail::to_ascii(job.destination.host)) fault({job.id, index}, "in a job to elsewhere");
    site = to.site_at(now());
    if (job.site != world_.sites[site].name) {
      // What waited in memory goes where it was to go.
      const bool before = to.moves <= now();
      if (!before || job.site != world_.sites[to.site].name)
        fault({job.id, index}, "in a job for the site " + job.site);
      site = to.site;
    }
    tell({job.id, index}, "begins");
    check_begin({job.id, index}, *fate, found->second);
    fate->running = true;
    fate->began = now();
    ++attempts_;
  }
  if (site < world_.sites.size()) check_limits(job, site);
  if (const Fate* const fate = find({job.id, job.recipients.front()})) {
    auto& begun = begun_[fate->destination];
    begun.push_back({now(), flow_of(*fate, *job.envelope)});
    while (begun.front().at + kTurnsKept < now()) begun.pop_front();
  }
}

void Ledger::answered(const Job& job, const Report& report, bool process_lives) {
  hash(static_cast<std::uint64_t>(job.id.value) + job.recipients.front());
  const auto found = std::ranges::find(world_.sites, job.site, &SimulatedSite::name);
  if (process_lives && found != world_.sites.end()) {
    SiteWatch& site = sites_[static_cast<std::size_t>(found - world_.sites.begin())];
    if (site.running >= std::min(site.surely_allowed, found->concurrency)) site.full = now();
    --site.running;
    site.answered = now();
    if (report.contact == Contact::failed) {
      site.surely_allowed = 0;
      site.failed_end = now();
      site.recovered = Moment::max();
      site.failed_begin = std::max(site.failed_begin, find({job.id, job.recipients.front()})->began);
    } else if (report.contact == Contact::made) {
      site.surely_allowed = std::min(site.surely_allowed + 1, found->concurrency);
      site.recovered = std::min(site.recovered, now());
    }
  }
  for (std::size_t place = 0; place < job.recipients.size(); ++place) {
    Fate* const fate = find({job.id, job.recipients[place]});
    if (!fate) continue;
    tell({job.id, job.recipients[place]}, "answered", report.outcomes[place].reply.text);
    if (is_success(report.outcomes[place].action)) {
      repeated_ += fate->carried;
      fate->carried = true;
    }
    if (!process_lives) continue;  // and what came of it was lost, which is noted
    fate->running = false;
    fate->decided = true;
    fate->answer = report.outcomes[place].action;
    fate->dsn_passed_on = report.outcomes[place].dsn_passed_on;
    fate->answered = clock_.utc();
  }
}

void Ledger::located(std::size_t destination, Moment asked, const Located& located) {
  if (located) return;
  LocateWatch& watch = located_[destination];
  watch.asked = asked;
  watch.failed = now();
  watch.outcome = located.error().action;
}

void Ledger::recorded(bool success) { disk_known_full_ = !success; }

void Ledger::close(Fate& fate, Message& message, End end) {
  fate.end = end;
  fate.untold_end = End::open;
  ++ends_[static_cast<std::size_t>(end)];
  --message.open;
  --open_of_sender_[flow_of(fate, *message.envelope)];
}

void Ledger::telling(const store::Claimed& untold) {
  const auto found = messages_.find(untold.id);
  if (found == messages_.end()) return fault(untold.id.to_string() + ": told of, and nobody knows it");
  if (found->second.telling) fault(untold.id.to_string() + ": told of twice at a time");
  found->second.telling = true;
  if (untold.recipients.empty()) fault(untold.id.to_string() + ": told of nobody");
}

void Ledger::tell_failed(base::MessageId id) {
  if (const auto found = messages_.find(id); found != messages_.end()) found->second.telling = false;
}

void Ledger::told(const std::vector<store::RecipientId>& ids) {
  for (const store::RecipientId id : ids) {
    hash(static_cast<std::uint64_t>(id.message.value) ^ id.index);
    Message* message = nullptr;
    Fate* const fate = find(id, &message);
    if (!fate) continue;
    message->telling = false;
    tell(id, "told");
    const auto standing = backlog_.standing(id);
    if (!standing || standing->state != mail::RecipientState::untold || fate->end != End::open) {
      fault(id, "told of, and it is not untold");
      continue;
    }
    close(*fate, *message, fate->untold_end);
  }
}

void Ledger::warned(const std::vector<store::RecipientId>& ids) {
  for (const store::RecipientId id : ids) {
    hash(static_cast<std::uint64_t>(id.message.value) * 3 + id.index);
    tell(id, "warned");
    Message* message = nullptr;
    Fate* const fate = find(id, &message);
    if (!fate) continue;
    if (fate->warned) fault(id, "warned twice");
    const mail::Recipient& recipient = message->envelope->recipients[id.index];
    if (clock_.utc() < late_from(*message->envelope, settings_)) fault(id, "warned too early");
    const bool wants = message->envelope->deliver_by_notify
                           ? !recipient.notify.never()
                           : !recipient.notify.specified || recipient.notify.delay;
    if (message->envelope->reverse_path.is_null() || !wants) fault(id, "warned of, and nobody wants to know");
    fate->warned = true;
    ++warnings_;
  }
}

void Ledger::noted(const store::Event& event) {
  hash(static_cast<std::uint64_t>(event.message.value) + static_cast<std::uint64_t>(event.kind) * 77);
  if (event.kind != store::EventKind::ended || !event.recipient) return;
  const auto standing = backlog_.standing({event.message, *event.recipient});
  if (standing && standing->state != mail::RecipientState::untold)
    fault({event.message, *event.recipient}, "its end is told before it is on the disk");
}

void Ledger::finish() {
  std::uint64_t open = 0;
  for (const auto& [id, message] : messages_) {
    for (std::uint32_t index = 0; index < message.envelope->recipients.size(); ++index) {
      const Fate& fate = fates_[message.first + index];
      if (fate.end != End::open) continue;
      const auto standing = backlog_.standing({id, index});
      if (++open > 3) continue;
      fault({id, index}, !standing
                             ? "lost"
                             : fmt::format("still open: state {}, due {}, {} attempts, owned {}",
                                           static_cast<int>(standing->state), base::to_rfc3339(standing->due),
                                           standing->attempts, standing->owned));
    }
  }
  if (open > 3) fault(fmt::format("{} recipients have no end", open));
}

}  // namespace postrider::queue::testing
