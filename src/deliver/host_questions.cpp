#include "deliver/host_questions.hpp"

#include <utility>

namespace postrider::deliver {
namespace {

FoundHosts shutting_down() {
  mail::Outcome outcome;
  outcome.reply = mail::reply(451, 3, 2, "shutting down");
  return std::unexpected(std::move(outcome));
}

}  // namespace

void HostQuestions::ask(HostFinder& finder, const queue::Destination& destination, Done done) {
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return done(shutting_down());
    number = ++last_;
    open_.emplace(number, std::move(done));
  }
  finder.find(destination, [self = shared_from_this(), number](FoundHosts found) {
    self->answer(number, std::move(found));
  });
}

void HostQuestions::answer(std::uint64_t number, FoundHosts found) {
  std::lock_guard lock(mutex_);
  if (auto asked = open_.extract(number)) asked.mapped()(std::move(found));
}

void HostQuestions::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& [number, done] : open_) done(shutting_down());
  open_.clear();
}

}  // namespace postrider::deliver
