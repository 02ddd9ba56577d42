// What the parts of a spool share in memory.
#pragma once

#include <atomic>
#include <cstdint>

#include "store/by_state.hpp"
#include "store/claims.hpp"
#include "store/fresh.hpp"
#include "sys/clock.hpp"

namespace postrider::store {

// Any thread.
struct State {
  explicit State(const sys::Clock& world_clock) : clock(world_clock) {}

  const sys::Clock& clock;
  Claims claims;
  Fresh fresh;
  std::atomic<std::uint64_t> messages = 0;
  OpenRecipients recipients;
  std::atomic<std::uint64_t> quarantined = 0;
  std::atomic<std::uint64_t> commits = 0;
  // Drafts that may still be appended to.
  std::atomic<std::uint64_t> drafts = 0;
  // Appended to drafts that are neither committed nor dropped.
  std::atomic<std::uint64_t> draft_bytes = 0;
};

}  // namespace postrider::store
