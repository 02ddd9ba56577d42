#include "net/await_posted.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <thread>

namespace postrider::net {
namespace {

using Completion = std::move_only_function<void(int)>;

boost::asio::awaitable<void> wait_for_int(base::Milliseconds at_most, Completion& completion,
                                          std::optional<int>& value) {
  value = co_await await_posted<int>(at_most, [&](auto done) { completion = std::move(done); });
}

TEST(AwaitPosted, GivesTheValueThatAnotherThreadCompletedWith) {
  Completion completion;
  std::optional<int> value;
  boost::asio::io_context context(1);
  boost::asio::co_spawn(context, wait_for_int(std::chrono::minutes(1), completion, value),
                        boost::asio::detached);
  context.poll();
  ASSERT_TRUE(completion);
  std::thread other([&] { completion(7); });
  context.run();
  other.join();
  EXPECT_EQ(value, 7);
}

TEST(AwaitPosted, GivesNothingWhenTheTimeIsOver) {
  Completion completion;
  std::optional<int> value = 1;
  boost::asio::io_context context(1);
  boost::asio::co_spawn(context, wait_for_int(base::Milliseconds(0), completion, value),
                        boost::asio::detached);
  context.run();
  EXPECT_EQ(value, std::nullopt);
  completion(7);  // too late, and harmless
}

TEST(AwaitPosted, ACompletionThatWasCalledHoldsNothingOfItsContext) {
  Completion completion;
  std::optional<int> value;
  {
    boost::asio::io_context context(1);
    boost::asio::co_spawn(context, wait_for_int(std::chrono::minutes(1), completion, value),
                          boost::asio::detached);
    context.poll();
    completion(7);
    context.run();
  }
  completion = nullptr;  // were the timer in it, it would reach into the context that is gone
  EXPECT_EQ(value, 7);
}

}  // namespace
}  // namespace postrider::net
