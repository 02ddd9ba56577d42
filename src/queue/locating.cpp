#include "queue/locating.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace postrider::queue {
namespace {

// Shared with the answers that come too late.
struct Answers {
  std::mutex mutex;
  std::condition_variable came;
  std::size_t under_way = 0;
  std::size_t told = 0;
  std::vector<std::size_t> here;  // places in what was asked

  void take(std::size_t place, const Located& located, const std::string& site) {
    std::lock_guard lock(mutex);
    --under_way;
    if (located || located.error().action != mail::Action::deferred) ++told;
    if (located && located->name == site) here.push_back(place);
    came.notify_one();
  }
};

}  // namespace

Found locate_all(const std::vector<Whereto>& all, const std::string& site, LocateBounds bounds) {
  const auto end = std::chrono::steady_clock::now() + bounds.deadline;
  const auto answers = std::make_shared<Answers>();
  std::unique_lock lock(answers->mutex);
  const auto fewer_than = [&](std::size_t most) {
    return answers->came.wait_until(lock, end, [&] { return answers->under_way < most; });
  };
  for (std::size_t place = 0; place < all.size() && fewer_than(bounds.at_a_time); ++place) {
    ++answers->under_way;
    lock.unlock();
    all[place].courier->locate(all[place].destination, [answers, place, site](const Located& located) {
      answers->take(place, located, site);
    });
    lock.lock();
  }
  fewer_than(1);
  Found found{.names = {}, .not_told = all.size() - answers->told};
  for (const std::size_t place : answers->here) found.names.push_back(all[place].name);
  return found;
}

}  // namespace postrider::queue
