// Whether there is room for more mail.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/result.hpp"
#include "store/files.hpp"
#include "sys/clock.hpp"

namespace postrider::store {

// Any thread. The clock outlives it.
class Space {
 public:
  struct Limits {
    std::uint64_t bytes = 0;
    std::uint64_t inodes = 0;
  };
  // The file system is asked at most once in 100 ms, since MAIL asks for each message.
  static constexpr base::Milliseconds kCached{100};

  Space(const sys::Clock& clock, std::filesystem::path directory, Limits limits)
      : clock_(clock), directory_(std::move(directory)), limits_(limits) {}

  // 4.3.1 where less than the limits would be left with `wanted` more bytes.
  base::Result<void> check(std::uint64_t wanted) const;

 private:
  std::optional<FreeSpace> now() const;

  const sys::Clock& clock_;
  const std::filesystem::path directory_;
  const Limits limits_;
  mutable std::mutex mutex_;
  mutable std::optional<base::SteadyTime> asked_at_;
  mutable std::optional<FreeSpace> answer_;
};

}  // namespace postrider::store
