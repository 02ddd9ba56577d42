// A job and a client's session over a stream in memory, for tests and fuzzing.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deliver/client_session.hpp"
#include "net/fake/stream.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::deliver::testing {

// A message in these pieces, and then, where it is told to, a failure.
class Pieces final : public queue::Content {
 public:
  Pieces(std::vector<std::string> pieces, bool breaks) : pieces_(std::move(pieces)), breaks_(breaks) {}
  base::Result<std::string> next() override {
    if (at_ < pieces_.size()) return pieces_[at_++];
    if (breaks_) return base::temporary({4, 3, 0}, "disk trouble");
    return std::string();
  }

 private:
  std::vector<std::string> pieces_;
  bool breaks_;
  std::size_t at_ = 0;
};

inline mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

inline mail::Recipient recipient(std::string_view to) {
  return {.original = address(to),
          .alias = {},
          .final = address(to),
          .orcpt = {},
          .notify = {},
          .state = mail::RecipientState::waiting,
          .attempts = 0,
          .warned = false,
          .due = {},
          .last = {}};
}

class ClientHouse {
 public:
  ClientHouse() { envelope.reverse_path = mail::ReversePath(address("sender@here.test")); }

  // Set before converse().
  mail::Envelope envelope;
  std::vector<std::string> content{"Subject: x\r\n\r\nhello\r\n"};
  bool content_breaks = false;
  ClientTerms terms{.protocol = ClientProtocol::smtp, .helo = "mx.here.test", .hop = {}};
  config::Delivery times;

  void add(std::string_view to) { envelope.recipients.push_back(recipient(to)); }

  // What came of one session with a server that says this, a piece for each time that the client waits.
  struct Said {
    std::string heard;                    // by the server
    std::optional<mail::Reply> refusal;   // of open()
    std::vector<mail::Outcome> outcomes;  // as a report would have them
    std::vector<std::size_t> open;        // for the next host
    std::string verdict, transcript;
    bool judged = false, well = false, usable = false, dead = false;
    std::size_t writes = 0;
  };
  Said converse(std::deque<std::string> server) {
    begin(std::move(server));
    return carry();
  }
  // The same in two steps, so that a session may carry several jobs.
  std::optional<mail::Reply> begin(std::deque<std::string> server) {
    peer_.sends = std::move(server);
    session_ = std::make_unique<ClientSession>(
        std::make_unique<net::fake::Stream>(context_.get_executor(), peer_), terms);
    refusal_.reset();
    run(open());
    return refusal_;
  }
  Said carry() {
    queue::Job job{.id = {1},
                   .envelope = std::make_shared<mail::Envelope>(envelope),
                   .recipients = {},
                   .destination = {.host = envelope.recipients.at(0).final.host(), .route = nullptr},
                   .site = "site",
                   .open = [this] { return std::make_unique<Pieces>(content, content_breaks); }};
    for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) job.recipients.push_back(i);
    ClientResults results(job, clock_);
    if (!refusal_) run(session_->carry({results, readers_, times}));
    Said said;
    said.heard = std::exchange(peer_.heard, {});
    said.refusal = refusal_;
    said.open = results.open();
    said.verdict = results.verdict();
    said.transcript = session_->transcript();
    said.judged = results.judged();
    said.well = results.went_well();
    said.usable = session_->is_usable();
    said.dead = session_->was_dead();
    said.writes = std::exchange(peer_.writes, 0);
    said.outcomes = results.take();
    return said;
  }
  void quit() { run(session_->quit(std::chrono::seconds(1))); }
  std::string take_heard() { return std::exchange(peer_.heard, {}); }
  // Pieces that the server said and nobody has read.
  std::size_t unread() const { return peer_.sends.size(); }
  // It reads so many octets of each carry(), and then no more, or breaks off.
  void server_takes(std::size_t octets, bool breaks) {
    peer_.takes = octets;
    peer_.breaks = breaks;
  }
  void server_says(std::string piece) { peer_.sends.push_back(std::move(piece)); }

 private:
  boost::asio::awaitable<void> open() { refusal_ = co_await session_->open(times); }
  // Not until the context has nothing to do: a session's watchdog goes on.
  void run(boost::asio::awaitable<void> what) {
    bool ended = false;
    context_.restart();  // it ended where no watchdog was left
    boost::asio::co_spawn(context_, std::move(what), [&ended](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
      ended = true;
    });
    while (!ended) context_.run_one();
  }

  boost::asio::io_context context_{1};
  sys::Pool readers_{{.name = "content", .threads = 1, .bound = 10}};
  sys::fake::Clock clock_;
  net::fake::Peer peer_;
  std::optional<mail::Reply> refusal_;
  std::unique_ptr<ClientSession> session_;
};

}  // namespace postrider::deliver::testing
