#include "policy/dkim_keys.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace postrider::policy {
namespace {

using wire::dkim::KeyAnswer;

KeyAnswer answer_of(const sys::dns::Result<std::string>& result) {
  if (result) return {KeyAnswer::Kind::found, result->records, {}};
  const auto error = result.error().error;
  // RFC 6376 6.1.2
  if (sys::dns::is_temporary(error)) return {KeyAnswer::Kind::unavailable, {}, std::string(to_string(error))};
  return {};
}

// Kept alive by the callbacks that wait for the DNS.
struct Search {
  std::mutex mutex;
  DkimKeys keys;
  std::size_t open = 0;
  std::move_only_function<void(DkimKeys)> done;

  void end_one() {
    std::unique_lock lock(mutex);
    if (--open > 0) return;
    lock.unlock();
    done(std::move(keys));
  }
};

}  // namespace

std::vector<std::string> DkimKeys::questions() const {
  std::vector<std::string> names;
  for (const auto& [name, answer] : answers_)
    if (!answer) names.push_back(name);
  return names;
}

void DkimKeys::answer(const std::string& name, const sys::dns::Result<std::string>& result) {
  if (const auto asked = answers_.find(name); asked != answers_.end()) asked->second = answer_of(result);
}

KeyAnswer DkimKeys::of(const std::string& name) const {
  const auto asked = answers_.find(name);
  if (asked == answers_.end() || !asked->second) return {KeyAnswer::Kind::unavailable, {}, "no answer"};
  return *asked->second;
}

void look_up(sys::Resolver& resolver, DkimKeys keys, base::Milliseconds within,
             std::move_only_function<void(DkimKeys)> done) {
  const auto names = keys.questions();
  const auto search = std::make_shared<Search>();
  search->keys = std::move(keys);
  search->done = std::move(done);
  // One more than there are questions: the answers may all be there before the last is asked.
  search->open = names.size() + 1;
  for (const std::string& name : names) {
    resolver.txt(name, within, [search, name](sys::dns::Result<std::string> result) {
      {
        std::lock_guard lock(search->mutex);
        search->keys.answer(name, result);
      }
      search->end_one();
    });
  }
  search->end_one();
}

}  // namespace postrider::policy
