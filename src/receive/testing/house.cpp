#include "receive/testing/house.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdio>
#include <cstdlib>

namespace postrider::receive::testing {
namespace {

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "test house: %s\n", why.c_str());
  std::abort();
}

// Memory where there is some: a test of sessions waits for thousands of syncs.
std::filesystem::path quick_folder() {
  std::error_code error;
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory, error) ? memory : std::filesystem::temp_directory_path();
}

// The session goes with its coroutine, and its timers with it: else they would keep the context running.
boost::asio::awaitable<void> serve(Services& services, const config::Listener& listener,
                                   std::unique_ptr<net::Stream> stream, base::IpAddress from) {
  const Peer peer{.address = from, .port = 2525, .may_xclient = false};
  Admission admission;
  admission.enter(peer.address, 1, 1);
  Session session(services, listener, std::move(stream), peer, admission, {admission, peer.address});
  co_await session.run();
}

}  // namespace

House::House(std::string config) : folder_(quick_folder()) {
  for (auto at = config.find("DATA"); at != std::string::npos; at = config.find("DATA")) {
    config.replace(at, 4, folder_.path().string());
  }
  auto loaded = config::parse(config, "house.toml");
  if (!loaded) die(loaded.error().front().to_string());
  setting_.config = *loaded;
  setting_.directory = directory::from_config(*loaded);
  store::SpoolOptions options;
  options.directory = folder_.path() / "spool";
  options.min_free_bytes = 0;
  options.min_free_inodes = 0;
  auto spool = store::Spool::open(std::move(options), sys::system_clock());
  if (!spool) die(spool.error().log_text());
  spool_ = std::move(*spool);
  auto timeline = store::Timeline::open({.directory = folder_.path() / "timeline"}, sys::system_clock());
  if (!timeline) die(timeline.error().log_text());
  timeline_ = std::move(*timeline);
  queue_ = std::make_unique<queue::Queue>(queue::Queue::Parts{.spool = *spool_,
                                                              .timeline = *timeline_,
                                                              .router = router_,
                                                              .finisher = finisher_,
                                                              .clock = sys::system_clock(),
                                                              .random = sys::system_random(),
                                                              .config = [this] { return setting_.config; }});
  services_.reset(new Services{[this] { return setting_; }, *queue_, probe_, sys::system_clock()});
}

House::~House() {
  queue_.reset();
  timeline_.reset();
  spool_.reset();
}

net::fake::Peer House::converse(std::deque<std::string> sends, std::string_view from) {
  net::fake::Peer peer;
  peer.sends = std::move(sends);
  context_.restart();
  boost::asio::co_spawn(context_,
                        serve(*services_, setting_.config->listeners.front(),
                              std::make_unique<net::fake::Stream>(context_.get_executor(), peer),
                              *base::IpAddress::parse(from)),
                        boost::asio::detached);
  context_.run();
  return peer;
}

}  // namespace postrider::receive::testing
