#include "receive/farewell.hpp"

#include <boost/system/system_error.hpp>

#include "net/watchdog.hpp"
#include "receive/buffers.hpp"

namespace postrider::receive {
namespace {

constexpr std::size_t kDrainOctets = 64 * 1024;
constexpr base::Milliseconds kDrainTime = std::chrono::seconds(2);

}  // namespace

boost::asio::awaitable<void> say_and_close(net::Stream& stream, std::string line, Unread unread) {
  stream.resume();
  net::Watchdog watchdog(stream.executor(), [&stream] { stream.cancel(); });
  watchdog.set(std::chrono::steady_clock::now() + kDrainTime);
  auto buffer = BufferPool::take();
  try {
    co_await stream.write_all(line);
    stream.finish_writing();
    for (std::size_t drained = 0;
         unread == Unread::perhaps && drained < kDrainOctets && !watchdog.expired();) {
      const auto got = stream.try_read(buffer.get(), kReadBuffer);
      if (!got) {
        co_await stream.wait_readable();
        continue;
      }
      if (*got == 0) break;
      drained += *got;
    }
  } catch (const boost::system::system_error&) {
    // Gone, or the time is over.
  }
  BufferPool::give_back(std::move(buffer));
  stream.close();
}

}  // namespace postrider::receive
