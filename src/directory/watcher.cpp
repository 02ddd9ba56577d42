#include "directory/watcher.hpp"

#include "sys/log.hpp"
#include "sys/thread_name.hpp"

namespace postrider::directory {

Watcher::Watcher(std::unique_ptr<Registry> registry, std::uint64_t known, Take take,
                 base::Milliseconds interval)
    : registry_(std::move(registry)),
      known_(known),
      take_(std::move(take)),
      interval_(interval),
      thread_([this] { run(); }) {}

Watcher::~Watcher() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
}

void Watcher::run() {
  sys::name_this_thread("directory");
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, interval_, [this] { return stop_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void Watcher::look() {
  const auto generation = registry_->generation();
  if (generation && *generation == known_) {
    failed_ = false;
    return;
  }
  auto loaded = generation ? registry_->load() : std::unexpected(generation.error());
  if (!loaded) {
    if (!failed_) sys::log::error("directory_unreadable", {{"why", loaded.error().log_text()}});
    failed_ = true;
    return;
  }
  failed_ = false;
  known_ = (*loaded)->generation();
  take_(std::move(*loaded));
  sys::log::info("directory_changed", {{"generation", known_}});
}

}  // namespace postrider::directory
