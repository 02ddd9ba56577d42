#include "deliver/client_connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

namespace postrider::deliver {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Always has another reply. Nobody ever waits for it.
class Flood final : public net::Stream {
 public:
  explicit Flood(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  std::optional<std::size_t> try_read(char* into, std::size_t capacity) override {
    constexpr std::string_view kReply = "250 \r\n";
    for (std::size_t i = 0; i < capacity; ++i) into[i] = kReply[at_++ % kReply.size()];
    return capacity;
  }
  std::optional<std::size_t> try_write(std::string_view octets) override { return octets.size(); }
  asio::awaitable<void> wait_readable() override { co_return; }
  asio::awaitable<void> wait_writable() override { co_return; }
  void finish_writing() noexcept override {}
  void cancel() noexcept override {}
  void resume() noexcept override {}
  void close() noexcept override {}
  asio::any_io_executor executor() override { return executor_; }

 private:
  asio::any_io_executor executor_;
  std::size_t at_ = 0;
};

class FloodTest : public ::testing::Test {
 protected:
  // Reads replies, `most` of them, until something ends it.
  asio::awaitable<void> read(int most) {
    try {
      for (; replies_ < most; ++replies_) co_await connection_.reply();
    } catch (const boost::system::system_error& error) {
      end_ = error.code();
    }
    connection_.rest();
    context_.stop();
  }
  void run(int most) {
    asio::co_spawn(context_, read(most), asio::detached);
    context_.run();
  }

  asio::io_context context_{1};
  ClientConnection connection_{std::make_unique<Flood>(context_.get_executor())};
  int replies_ = 0;
  boost::system::error_code end_;
};

constexpr int kEndless = 20'000'000;  // more than the deadline leaves time for

TEST_F(FloodTest, ADeadlineEndsWhatNeverWaits) {
  connection_.set_end(std::chrono::steady_clock::now() + 20ms);
  connection_.allow(1h);
  run(kEndless);
  EXPECT_EQ(end_, asio::error::timed_out);
}

TEST_F(FloodTest, OthersHaveTheirTurn) {
  int before = -1;
  asio::co_spawn(context_, read(1000), asio::detached);
  asio::post(context_, [&] { before = replies_; });
  context_.run();
  EXPECT_EQ(before, static_cast<int>(ClientConnection::kLinesInARow));
  EXPECT_EQ(replies_, 1000);
}

TEST_F(FloodTest, CancelEndsWhatNeverWaits) {
  asio::post(context_, [this] { asio::post(context_, [this] { connection_.cancel(); }); });
  run(kEndless);
  EXPECT_EQ(end_, asio::error::operation_aborted);
}

}  // namespace
}  // namespace postrider::deliver
