#include "store/maintenance.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace postrider::store {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kStepTime{20};
constexpr std::int64_t kMinStepPages = 64;
constexpr std::int64_t kMaxStepPages = 16'384;

}  // namespace

Maintenance::Maintenance(Tables& tables) : tables_(tables) {
  const auto hook = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Maintenance*>(self)->wal_pages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(tables_.database().handle(), hook, this);
}

void Maintenance::checkpoint() {
  int in_wal = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(tables_.database().handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &in_wal, &moved);
  // Where a reader holds an old page the rest stays for later; a try each 1,000 pages is enough.
  checkpoint_at_ = in_wal == moved ? kWalPages : std::max(kWalPages, in_wal + 1000);
  if (code != SQLITE_OK && code != SQLITE_BUSY)
    throw SqlError(tables_.database().handle(), code, "checkpoint");
  if (in_wal == moved) wants_room_ = false;
}

void Maintenance::after_commit() {
  const auto now = steady_clock::now();
  const bool room = wants_room_ && now - room_tried_ >= kRoomPause;
  if (room) room_tried_ = now;
  if (room || wal_pages_ >= checkpoint_at_) checkpoint();
}

void Maintenance::tick() {
  free_.push_back(tables_.database().number("PRAGMA freelist_count"));
  if (free_.size() < kTicks) return;
  if (free_.size() > kTicks) free_.pop_front();
  goal_ = std::max<std::int64_t>(0, *std::ranges::min_element(free_) - kSlackPages);
}

bool Maintenance::step() {
  if (goal_ == 0) return false;
  const std::int64_t pages = std::min(goal_, step_pages_);
  const auto start = steady_clock::now();
  tables_.begin(Tables::Sync::later);
  try {
    tables_.database().execute(fmt::format("PRAGMA incremental_vacuum({})", pages).c_str());
    tables_.commit();
  } catch (const SqlError&) {
    tables_.roll_back();
    goal_ = 0;
    throw;
  }
  last_step_ = steady_clock::now();
  if (last_step_ - start < kStepTime / 2) step_pages_ = std::min(step_pages_ * 2, kMaxStepPages);
  if (last_step_ - start > kStepTime * 2) step_pages_ = std::max(step_pages_ / 2, kMinStepPages);
  goal_ -= pages;
  for (std::int64_t& free : free_) free = std::max<std::int64_t>(0, free - pages);
  after_commit();
  return goal_ > 0;
}

bool Maintenance::step_is_due() const {
  return goal_ > 0 && steady_clock::now() - last_step_ >= 10 * kStepTime;
}

void Maintenance::move_wal() {
  if (wal_pages_ == 0) return;
  checkpoint();
  if (checkpoint_at_ == kWalPages) wal_pages_ = 0;
}

}  // namespace postrider::store
