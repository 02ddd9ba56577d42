// Random numbers that are the same in every run.
#pragma once

#include <cstring>
#include <mutex>
#include <random>

#include "sys/random.hpp"

namespace postrider::sys::fake {

// Any thread; the order of calls decides who gets what.
class Random final : public sys::Random {
 public:
  explicit Random(std::uint64_t seed = 1) : engine_(seed) {}

  void fill(std::span<std::uint8_t> out) override {
    std::lock_guard lock(mutex_);
    while (!out.empty()) {
      const std::uint64_t value = engine_();
      const std::size_t size = std::min(out.size(), sizeof value);
      std::memcpy(out.data(), &value, size);
      out = out.subspan(size);
    }
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace postrider::sys::fake
