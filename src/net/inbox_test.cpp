#include "net/inbox.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <thread>

namespace postrider::net {
namespace {

TEST(Inbox, RunsWhatManyThreadsPutInOnceAndInTheOrderOfEach) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  boost::asio::io_context context(1);
  auto& inbox = boost::asio::use_service<Inbox>(context);
  auto guard = boost::asio::make_work_guard(context);
  const auto home = std::make_shared<std::thread::id>();
  std::vector<int> seen(kThreads, 0);
  int all = 0;
  bool in_order = true;
  bool at_home = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        inbox.put([&, t, i] {
          at_home = at_home && std::this_thread::get_id() == *home;
          in_order = in_order && seen[t]++ == i;
          if (++all == kThreads * kEach) guard.reset();
        });
      }
    });
  }
  *home = std::this_thread::get_id();
  context.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(all, kThreads * kEach);
  EXPECT_TRUE(in_order);
  EXPECT_TRUE(at_home);
}

TEST(Inbox, WhatIsPutInFromInsideComesAfterOthersThatWait) {
  boost::asio::io_context context(1);
  auto& inbox = boost::asio::use_service<Inbox>(context);
  std::string order;
  inbox.put([&] {
    order += 'a';
    inbox.put([&] { order += 'c'; });
  });
  inbox.put([&] { order += 'b'; });
  context.run();
  EXPECT_EQ(order, "abc");
}

TEST(Inbox, DropsWhatItsContextDoesNotLiveToRunThoughThatPutsInMore) {
  struct Last {
    Inbox* inbox;
    bool* ran;
    ~Last() {
      inbox->put([ran = ran] { *ran = true; });
    }
  };
  bool ran = false;
  {
    boost::asio::io_context context(1);
    auto& inbox = boost::asio::use_service<Inbox>(context);
    inbox.put([&ran, last = std::make_unique<Last>(&inbox, &ran)] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace postrider::net
