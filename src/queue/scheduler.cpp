#include "queue/scheduler.hpp"

#include <utility>

#include "queue/strand.hpp"

namespace postrider::queue {

Scheduler::Scheduler(Parts parts)
    : mailbox_(std::make_shared<Mailbox>()), strand_(std::make_unique<Strand>(std::move(parts), mailbox_)) {}

Scheduler::~Scheduler() { mailbox_->close(); }

bool Scheduler::step(base::Milliseconds longest) { return strand_->step(longest); }
base::Milliseconds Scheduler::wait_time() const { return strand_->wait_time(); }
Scheduler::Load Scheduler::load() const { return strand_->load(); }

void Scheduler::stop() {
  mailbox_->post([strand = strand_.get()] { strand->stop(); });
}

void Scheduler::fresh(store::Claimed message, bool untold) {
  mailbox_->post([strand = strand_.get(), message = std::move(message), untold]() mutable {
    strand->fresh(std::move(message), untold);
  });
}

void Scheduler::when_idle(std::move_only_function<void()> done) {
  mailbox_->post([strand = strand_.get(), done = std::move(done)]() mutable {
    strand->idle_.push_back(std::move(done));
  });
}

void Scheduler::change(std::vector<store::Claimed> messages, Change change, std::string reason,
                       std::move_only_function<void(base::Result<Changed>)> done) {
  mailbox_->post([strand = strand_.get(), messages = std::move(messages), change, reason = std::move(reason),
                  done = std::move(done)]() mutable {
    strand->change(std::move(messages), change, std::move(reason), std::move(done));
  });
}

void Scheduler::suspend(store::Suspension suspension,
                        std::move_only_function<void(base::Result<std::uint64_t>)> done) {
  mailbox_->post(
      [strand = strand_.get(), suspension = std::move(suspension), done = std::move(done)]() mutable {
        strand->suspend(std::move(suspension), std::move(done));
      });
}

void Scheduler::resume(std::uint64_t id, std::move_only_function<void(base::Result<void>)> done) {
  mailbox_->post([strand = strand_.get(), id, done = std::move(done)]() mutable {
    strand->resume(id, std::move(done));
  });
}

void Scheduler::suspensions(
    std::move_only_function<void(base::Result<std::vector<store::Suspension>>)> done) {
  mailbox_->post([strand = strand_.get(), done = std::move(done)]() mutable {
    strand->parts_.backlog.suspensions(strand->post(std::move(done)));
  });
}

void Scheduler::sites(std::move_only_function<void(std::vector<SiteState>)> done) {
  mailbox_->post([strand = strand_.get(), done = std::move(done)]() mutable { done(strand->sites()); });
}

void Scheduler::destinations_of(std::string site,
                                std::move_only_function<void(std::vector<std::string>)> done) {
  mailbox_->post([strand = strand_.get(), site = std::move(site), done = std::move(done)]() mutable {
    done(strand->destinations_of(site));
  });
}

void Scheduler::without_site(std::vector<std::string> names,
                             std::move_only_function<void(std::vector<std::string>)> done) {
  mailbox_->post([strand = strand_.get(), names = std::move(names), done = std::move(done)]() mutable {
    done(strand->without_site(std::move(names)));
  });
}

void Scheduler::whereto(std::vector<store::Claimed> samples,
                        std::move_only_function<void(std::vector<Whereto>)> done) {
  mailbox_->post([strand = strand_.get(), samples = std::move(samples), done = std::move(done)]() mutable {
    done(strand->whereto(samples));
  });
}

void Scheduler::explain(store::Claimed message, std::move_only_function<void(std::vector<Waiting>)> done) {
  mailbox_->post([strand = strand_.get(), message = std::move(message), done = std::move(done)]() mutable {
    done(strand->explain(message));
  });
}

}  // namespace postrider::queue
