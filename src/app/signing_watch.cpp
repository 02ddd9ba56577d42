#include "app/signing_watch.hpp"

#include <algorithm>
#include <utility>

#include "sys/log.hpp"
#include "sys/metrics.hpp"
#include "sys/thread_name.hpp"

namespace postrider::app {
namespace {

using Read = policy::SigningKeys::Read;

// So that a change is in force within a second.
constexpr std::chrono::milliseconds kInterval{500};
// A file may be mended without its folder being changed.
constexpr int kLooksAtFaults = 20;

sys::Gauges keys_in_force("postrider_dkim_keys", "DKIM keys that sign mail now.");
sys::Gauges faults_now("postrider_dkim_key_faults", "Files of DKIM keys that can't be used.");

std::int64_t difference(std::size_t now, std::size_t before) {
  return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before);
}

}  // namespace

SigningWatch::SigningWatch(const std::filesystem::path& data_dir) : folder_(data_dir) {
  state_ = folder_.state();
  read(Read::all);
  thread_ = std::jthread([this] { run(); });
}

SigningWatch::~SigningWatch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
}

std::shared_ptr<const policy::SigningKeys> SigningWatch::keys() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

void SigningWatch::reload() {
  {
    std::lock_guard lock(mutex_);
    reload_ = true;
  }
  changed_.notify_all();
}

void SigningWatch::run() {
  sys::name_this_thread("dkim");
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait_for(lock, kInterval, [this] { return stop_ || reload_; });
    if (stop_) break;
    const bool all = std::exchange(reload_, false);
    lock.unlock();
    if (all)
      read(Read::all);
    else
      look();
    lock.lock();
  }
}

void SigningWatch::look() {
  const std::string now = folder_.state();
  const bool has_changed = now != state_;
  const bool retry = !faults_.empty() && ++looks_ % kLooksAtFaults == 0;
  state_ = now;
  if (has_changed || again_ || retry) read(Read::changed);
  again_ = has_changed;
}

void SigningWatch::read(Read what) {
  auto loaded = policy::SigningKeys::load(folder_, *keys(), what);
  tell(loaded.keys, std::move(loaded.faults));
  const auto next = std::make_shared<const policy::SigningKeys>(std::move(loaded.keys));
  std::lock_guard lock(mutex_);
  keys_ = next;
}

void SigningWatch::tell(const policy::SigningKeys& next, std::vector<std::string> faults) {
  const auto before = keys();
  keys_in_force.add(difference(next.size(), before->size()));
  faults_now.add(difference(faults.size(), faults_.size()));
  for (const auto& fault : faults)
    if (std::ranges::find(faults_, fault) == faults_.end())
      sys::log::error("dkim_key_fault", {{"why", fault}, {"in_force", "what was before"}});
  if (!faults_.empty() && faults.empty()) sys::log::info("dkim_keys_mended");
  if (!next.is_like(*before)) sys::log::info("dkim_keys", {{"keys", next.size()}});
  faults_ = std::move(faults);
}

}  // namespace postrider::app
