// A whole receiving side for tests without sockets: a real spool in a private folder, a queue that holds all it
// gets, and sessions on streams in memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "base/testing/temporary_folder.hpp"
#include "net/fake/stream.hpp"
#include "receive/services.hpp"
#include "receive/session.hpp"
#include "sys/clock.hpp"

namespace postrider::receive::testing {

class HoldAll final : public queue::Router {
 public:
  Choice choose(const mail::Envelope&, const mail::Recipient&) override {
    return {.route = {}, .instead = {}, .hold = true};
  }
};

class NoFinisher final : public queue::Finisher {
 public:
  queue::Finish finish(const queue::Unfinished&) const override { return {}; }
  bool wants_body_hash(const mail::Origin&) const override { return false; }
};

// Every next hop takes every recipient.
class YesProbe final : public policy::RecipientProbe {
 public:
  void ask(const mail::Address&, std::move_only_function<void(mail::Reply)> done) override {
    done(mail::reply(250, 1, 5, "ok"));
  }
};

class House {
 public:
  // `config` is TOML; "DATA" in it becomes the private folder.
  explicit House(std::string config);
  ~House();

  // Runs one session to its end with a client that sends these pieces and then closes; what it heard.
  net::fake::Peer converse(std::deque<std::string> sends, std::string_view from = "192.0.2.1");

  // From the next connection or MAIL on what is sent on is rewritten.
  void keep_secret(std::string octets) {
    setting_.forwarding = std::make_shared<policy::Forwarding>(
        setting_.config, directory::SrsSecrets{{{}, std::move(octets)}}, sys::system_clock());
  }

  store::Spool& spool() { return *spool_; }
  Services& services() { return *services_; }
  const config::Config& config() const { return *setting_.config; }

 private:
  boost::asio::io_context context_{1};  // outlives the spool, whose threads post into it
  base::testing::TemporaryFolder folder_;
  Setting setting_;
  HoldAll router_;
  NoFinisher finisher_;
  YesProbe probe_;
  std::unique_ptr<store::Spool> spool_;
  std::unique_ptr<store::Timeline> timeline_;
  std::unique_ptr<queue::Queue> queue_;
  std::unique_ptr<Services> services_;
};

}  // namespace postrider::receive::testing
