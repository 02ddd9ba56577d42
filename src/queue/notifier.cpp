#include "queue/notifier.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "queue/content.hpp"
#include "queue/counts.hpp"
#include "queue/failure.hpp"
#include "queue/notification.hpp"
#include "sys/log.hpp"
#include "sys/pool.hpp"

namespace postrider::queue {
namespace {

using Done = std::function<void(base::Result<void>)>;

// Messages that wait to be told of; above it tell() and warn() fail at once, and are asked again.
constexpr std::size_t kWaiting = 1000;

// Calls `done` when all that was begun for one call of the scheduler's has ended: with the first failure, if any.
class Together {
 public:
  explicit Together(Done done) : done_(std::move(done)) {}
  ~Together() { done_(std::move(result_)); }
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;
  void ended(base::Result<void> result) {
    std::lock_guard lock(mutex_);
    if (result_ && !result) result_ = std::move(result);
  }

 private:
  std::mutex mutex_;
  base::Result<void> result_;
  Done done_;
};

// It waits behind others, or for an operator.
mail::Outcome no_attempt(base::UtcTime now) {
  return {.reply = mail::reply(451, 4, 5, "the destination takes no mail at the moment"),  // RFC 3463 3.5
          .relay = {},
          .detail = {},
          .at = now};
}

// What is left of a message when those are taken out of whom nobody is to hear.
struct Sorted {
  std::vector<std::uint32_t> failed, succeeded;
  std::vector<store::RecipientUpdate> silent;
};

Sorted sort(const store::Claimed& untold) {
  Sorted out;
  for (const std::uint32_t index : untold.recipients) {
    const mail::Recipient& recipient = untold.envelope->recipients[index];
    const mail::Outcome end = recipient.last.value_or(mail::Outcome{});
    if (!wants_notice(*untold.envelope, recipient, end)) {
      out.silent.push_back(
          {.id = {untold.id, index}, .state = std::nullopt, .due = {}, .outcome = {}, .attempted = false});
    } else if (end.action == mail::Action::failed) {
      out.failed.push_back(index);
    } else {
      out.succeeded.push_back(index);
    }
  }
  return out;
}

std::string names(const Notification& notification) {
  constexpr std::size_t kMost = 20;
  std::string out;
  for (std::size_t i = 0; i < std::min(notification.recipients.size(), kMost); ++i) {
    if (i > 0) out += ", ";
    out += notification.envelope.recipients[notification.recipients[i]].original.to_string();
  }
  if (notification.recipients.size() > kMost) out += ", ...";
  return out;
}

}  // namespace

struct Notifier::Inside {
  explicit Inside(Parts its_parts) : parts(std::move(its_parts)) {
    pool.emplace(sys::PoolOptions{.name = "notifier", .threads = 1, .bound = kWaiting});
  }
  ~Inside() {
    stopping = true;
    pool.reset();
    std::unique_lock lock(mutex);
    // The store calls each completion, also when it stops.
    ended.wait(lock, [this] { return under_way == 0; });
  }

  void submit(std::move_only_function<void(const std::shared_ptr<Together>&)> work, Done done);
  void tell(const store::Claimed& untold, const std::shared_ptr<Together>& together);
  base::Result<bool> warn(const Delayed& delayed, const std::shared_ptr<Together>& together);
  void in_batches(Notification whole, const std::shared_ptr<const mail::Envelope>& envelope,
                  const std::shared_ptr<Together>& together);
  base::Result<wire::dsn::Original> read_original(const Notification& notification);
  void write(Notification notification, std::shared_ptr<const mail::Envelope> envelope,
             std::shared_ptr<Together> together);
  void accepted(const Notification& notification, base::MessageId id);
  std::vector<mail::Recipient> recipients_for(const mail::Address& sender) const;
  void begin() {
    std::lock_guard lock(mutex);
    ++under_way;
  }
  void end() {
    // Notified under the lock: whoever waits destroys what this uses.
    std::lock_guard lock(mutex);
    --under_way;
    ended.notify_all();
  }

  Parts parts;
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t under_way = 0;  // commits
  std::atomic<bool> stopping = false;
  std::optional<sys::Pool> pool;
};

void Notifier::Inside::submit(std::move_only_function<void(const std::shared_ptr<Together>&)> work,
                              Done done) {
  auto refused = done;
  const bool taken = pool->submit([this, work = std::move(work), done = std::move(done)]() mutable {
    if (stopping) return done(base::temporary({4, 3, 2}, "the server stops"));
    work(std::make_shared<Together>(std::move(done)));
  });
  // RFC 3463 3.4
  if (!taken) refused(base::temporary({4, 3, 2}, "too many notifications are waiting to be written"));
}

void Notifier::Inside::tell(const store::Claimed& untold, const std::shared_ptr<Together>& together) {
  Sorted sorted = sort(untold);
  if (!sorted.silent.empty()) {
    begin();
    parts.spool.record(std::move(sorted.silent), [this, held = together](base::Result<void> result) mutable {
      held->ended(std::move(result));
      held.reset();
      end();
    });
  }
  const auto batches = [&](Notice notice, std::vector<std::uint32_t> recipients) {
    in_batches({notice, untold.id, *untold.envelope, std::move(recipients)}, untold.envelope, together);
  };
  batches(Notice::failure, std::move(sorted.failed));
  batches(Notice::success, std::move(sorted.succeeded));
}

// By what stands on the disk now: what a claim brought may be older than the last warning. False: too early.
base::Result<bool> Notifier::Inside::warn(const Delayed& delayed, const std::shared_ptr<Together>& together) {
  auto found = parts.spool.find(delayed.message);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return true;
  auto envelope = std::make_shared<mail::Envelope>(*(*found)->envelope);
  const auto config = parts.config();
  if (parts.clock.utc() < late_from(*envelope, config->queue)) return false;
  std::vector<std::uint32_t> recipients = (*found)->recipients;
  std::erase_if(recipients, [&](std::uint32_t index) {
    const mail::Recipient& recipient = envelope->recipients[index];
    return recipient.state != mail::RecipientState::waiting || !wants_delay_notice(*envelope, recipient);
  });
  for (const auto& [index, reason] : delayed.reasons)
    if (index < envelope->recipients.size()) envelope->recipients[index].last = reason;
  for (const std::uint32_t index : recipients)
    if (auto& last = envelope->recipients[index].last; !last) last = no_attempt(parts.clock.utc());
  in_batches({Notice::delay, delayed.message, *envelope, std::move(recipients),
              expires_at(*envelope, config->queue)},
             envelope, together);
  return true;
}

void Notifier::Inside::in_batches(Notification whole, const std::shared_ptr<const mail::Envelope>& envelope,
                                  const std::shared_ptr<Together>& together) {
  const auto all = std::exchange(whole.recipients, {});
  for (std::size_t at = 0; at < all.size(); at += kRecipientsPerNotice) {
    Notification batch = whole;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t size = std::min(kRecipientsPerNotice, all.size() - at);
    batch.recipients.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    write(std::move(batch), envelope, together);
  }
}

base::Result<wire::dsn::Original> Notifier::Inside::read_original(const Notification& notification) {
  wire::dsn::OriginalReader reader(wanted(notification));
  const auto content = open_content(parts.spool, notification.about);
  for (;;) {
    auto piece = content->next();
    if (!piece) return std::unexpected(std::move(piece.error()));
    if (piece->empty() || !reader.feed(*piece)) return reader.take();
  }
}

std::vector<mail::Recipient> Notifier::Inside::recipients_for(const mail::Address& sender) const {
  if (!parts.recipients) return {notice_recipient(sender)};
  auto found = parts.recipients(sender);
  for (auto& one : found) one.notify = notice_recipient(sender).notify;
  return found;
}

void Notifier::Inside::write(Notification notification, std::shared_ptr<const mail::Envelope> envelope,
                             std::shared_ptr<Together> together) {
  // What can't be read goes to quarantine with its recipients: then there is nobody left to ask for.
  auto original = read_original(notification);
  if (!original) return together->ended(std::unexpected(std::move(original.error())));
  auto draft = parts.spool.open_draft();
  if (!draft) return together->ended(std::unexpected(std::move(draft.error())));

  const base::UtcTime now = parts.clock.utc();
  auto report = report_of(notification, draft->id(), parts.config()->hostname.ascii(), now);
  report.original = std::move(*original);
  const wire::dsn::Written written = wire::dsn::write_report(report);
  draft->append(written.text);

  mail::Envelope own = envelope_of(notification, now);
  own.recipients = recipients_for(notification.envelope.reverse_path.address());
  own.size = written.text.size();
  if (written.eight_bit) own.body = mail::BodyType::eight_bit_mime;
  store::Told told;
  auto& list = notification.notice == Notice::delay ? told.warned : told.ended;
  for (const std::uint32_t index : notification.recipients) list.push_back({notification.about, index});

  std::vector<std::string> decisions = {"notification: " + std::string(to_string(notification.notice)) +
                                        " of " + notification.about.to_string()};
  begin();
  parts.accept({.envelope = std::move(own),
                .draft = std::move(*draft),
                .decisions = std::move(decisions),
                .content = facts_of(written.text)},
               std::move(told),
               [this, notification = std::move(notification), envelope = std::move(envelope),
                together = std::move(together)](base::Result<base::MessageId> id) mutable {
                 if (id) {
                   accepted(notification, *id);
                 } else {
                   together->ended(std::unexpected(std::move(id.error())));
                 }
                 together.reset();
                 end();
               });
}

void Notifier::Inside::accepted(const Notification& notification, base::MessageId id) {
  const std::string about = notification.about.to_string();
  const std::string sender = notification.envelope.reverse_path.to_string();
  const std::string_view notice = to_string(notification.notice);
  counts::notifications.count(notification.notice);
  sys::log::info("notified", {{"id", about},
                              {"to", sender},
                              {"of", notice},
                              {"recipients", notification.recipients.size()},
                              {"by", id.to_string()}});
  store::Event event;
  event.message = notification.about;
  event.at = parts.clock.utc();
  event.kind = store::EventKind::notified;
  event.facts = {{"of", std::string(notice)},
                 {"to", sender},
                 {"recipients", names(notification)},
                 {"by", id.to_string()}};
  parts.note(std::move(event));
}

Notifier::Notifier(Parts parts) : inside_(std::make_unique<Inside>(std::move(parts))) {}
Notifier::~Notifier() = default;

void Notifier::tell(store::Claimed untold, std::function<void(base::Result<void>)> done) {
  inside_->submit([inside = inside_.get(), untold = std::move(untold)](
                      const std::shared_ptr<Together>& together) { inside->tell(untold, together); },
                  std::move(done));
}

void Notifier::warn(Delayed delayed, std::function<void(base::Result<bool>)> done) {
  const auto warned = std::make_shared<bool>(true);
  inside_->submit(
      [inside = inside_.get(), delayed = std::move(delayed),
       warned](const std::shared_ptr<Together>& together) {
        auto result = inside->warn(delayed, together);
        if (result)
          *warned = *result;
        else
          together->ended(std::unexpected(std::move(result.error())));
      },
      [warned, done = std::move(done)](base::Result<void> result) {
        if (!result) return done(std::unexpected(std::move(result.error())));
        done(*warned);
      });
}

}  // namespace postrider::queue
