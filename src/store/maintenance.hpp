// Gives disk space back: checkpoints of the WAL, and the pages of the file that nobody has needed for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "store/tables.hpp"

namespace postrider::store {

// Writer thread only. All methods throw SqlError.
class Maintenance {
 public:
  // The WAL is moved into the file when it has so many pages (62 MiB).
  static constexpr int kWalPages = 16'000;
  // Pages that were free at each of so many ticks are given back: at the default interval two minutes, so that
  // the ups and downs of a busy hour don't grow and shrink the file over and over.
  static constexpr std::size_t kTicks = 12;
  // Free pages that are always kept (1 MiB).
  static constexpr std::int64_t kSlackPages = 256;

  // A checkpoint that fails has copied up to 62 MiB in vain.
  static constexpr std::chrono::seconds kRoomPause{1};

  explicit Maintenance(Tables& tables);
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  // After a transaction: moves a long WAL into the file; any WAL, at most once in kRoomPause, while room is wanted.
  void after_commit();
  // A write met a full disk. What is freed there is first used to move the WAL into the file, so that both can be
  // written again: a WAL that only grew would take it all, and the disk would be full for good.
  void want_room() { wants_room_ = true; }
  // Once an interval: looks at what is free.
  void tick();
  // A step of about 20 ms. False where nothing is left to give back now.
  bool step();
  // Where step() has work and the last was long enough ago that other jobs get nine tenths of the time.
  bool step_is_due() const;
  // When nothing else is to do: moves the WAL into the file, so that the next transaction writes it from its start
  // again. It keeps its length, as a sync costs twice as much while a file grows. Readers may prevent it.
  void move_wal();

 private:
  void checkpoint();

  Tables& tables_;
  int wal_pages_ = 0;  // as the last commit left it, 0 when they have been moved
  int checkpoint_at_ = kWalPages;
  bool wants_room_ = false;
  std::chrono::steady_clock::time_point room_tried_;
  std::deque<std::int64_t> free_;  // of the last ticks
  std::int64_t goal_ = 0;          // pages to give back
  std::int64_t step_pages_ = 256;
  std::chrono::steady_clock::time_point last_step_;
};

}  // namespace postrider::store
