#include "sys/pool.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <string>

namespace postrider::sys {
namespace {

TEST(Pool, DoesTheWorkInOrderOnANamedThread) {
  std::vector<int> order;
  std::string name;
  {
    Pool pool({.name = "writer", .threads = 1, .bound = 100});
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(pool.submit([&order, i] { order.push_back(i); }));
    ASSERT_TRUE(pool.submit([&name] {
      std::array<char, 16> text{};
      pthread_getname_np(pthread_self(), text.data(), text.size());
      name = text.data();
    }));
  }
  EXPECT_EQ(name, "writer-0");
  ASSERT_EQ(order.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Pool, RefusesWhenTheQueueIsFullAndFinishesTheRest) {
  std::atomic<int> ran = 0;
  auto token = std::make_shared<int>();
  std::latch started(1);
  std::latch go(1);
  {
    Pool pool({.name = "full", .threads = 1, .bound = 2});
    ASSERT_TRUE(pool.submit([&] {
      started.count_down();
      go.wait();
    }));
    started.wait();
    EXPECT_TRUE(pool.submit([&, token] { ++ran; }));
    EXPECT_TRUE(pool.submit([&, token] { ++ran; }));
    EXPECT_FALSE(pool.submit([&, token] { ++ran; }));
    const auto seen = pool.statistics();
    EXPECT_EQ(seen.waiting, 2u);
    EXPECT_EQ(seen.running, 1u);
    EXPECT_EQ(seen.done, 0u);
    EXPECT_EQ(seen.refused, 1u);
    go.count_down();
  }
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Pool, RunsAsManyAtOnceAsItHasThreads) {
  Pool pool({.name = "wide", .threads = 3, .bound = 3});
  std::latch together(3);
  std::latch done(3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.submit([&] {
      together.arrive_and_wait();
      done.count_down();
    }));
  }
  done.wait();
}

TEST(Pool, TakesNoNewWorkWhileItIsDestroyed) {
  constexpr int kBound = 1'000'000;
  int taken = 0;
  auto pool = std::make_unique<Pool>(PoolOptions{.name = "closing", .threads = 1, .bound = kBound});
  std::latch destroying(1);
  ASSERT_TRUE(pool->submit([&, raw = pool.get()] {
    destroying.wait();
    // The destructor is about to be called, and may not have closed the door yet.
    while (raw->submit([] {})) ++taken;
  }));
  destroying.count_down();
  pool.reset();
  EXPECT_LT(taken, kBound);
}

}  // namespace
}  // namespace postrider::sys
