#include "deliver/probe.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "deliver/testing/scripted_server.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::deliver {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// A mail server on loopback that answers each command as it was told, by the first word; one client at a time.
class FakeHop {
 public:
  using Script = std::map<std::string, std::string>;  // "": the greeting; an empty reply is none at all

  explicit FakeHop(Script changes = {}) : script_(std::move(changes)) {
    script_.merge(Script{{"", "220 hop.test ESMTP"},
                         {"EHLO", "250-hop.test hello\r\n250-PIPELINING\r\n250 SMTPUTF8"},
                         {"HELO", "250 hop.test"},
                         {"MAIL", "250 2.1.0 ok"},
                         {"RCPT", "250 2.1.5 ok"},
                         {"QUIT", "221 2.0.0 bye"}});
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 10) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~FakeHop() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::uint16_t port() const { return port_; }

  // What the clients said so far, when `count` of them are gone.
  std::vector<std::string> heard(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return gone_ >= count; });
    return heard_;
  }
  void wait_for(const std::string& line) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::ranges::find(heard_, line) != heard_.end(); });
  }
  // The reply to RCPT is held back until let_go().
  void hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
  }
  void let_go() {
    std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

 private:
  void serve() {
    while (true) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      talk(client);
      close(client);
      std::lock_guard lock(mutex_);
      ++gone_;
      changed_.notify_all();
    }
  }
  void talk(int client) {
    say(client, script_[""]);
    std::string buffer;
    std::array<char, 1000> chunk{};
    for (ssize_t got = 0; (got = recv(client, chunk.data(), chunk.size(), 0)) > 0;) {
      buffer.append(chunk.data(), static_cast<std::size_t>(got));
      for (auto end = buffer.find("\r\n"); end != std::string::npos; end = buffer.find("\r\n")) {
        const std::string line = buffer.substr(0, end);
        buffer.erase(0, end + 2);
        const std::string verb = line.substr(0, line.find(' '));
        {
          std::unique_lock lock(mutex_);
          heard_.push_back(line);
          changed_.notify_all();
          if (verb == "RCPT") changed_.wait(lock, [&] { return !held_; });
        }
        say(client, script_[verb]);
        if (verb == "QUIT") return;
      }
    }
  }
  static void say(int client, const std::string& reply) {
    if (reply.empty()) return;
    const std::string line = reply.size() > 4096 ? reply : reply + "\r\n";  // too long: without an end at all
    send(client, line.data(), line.size(), MSG_NOSIGNAL);
  }

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
  int gone_ = 0;
  bool held_ = false;
  std::jthread thread_;
};

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }
mail::Domain domain(std::string_view text) { return mail::Domain::parse(text).value(); }

const auto kNoAnswer = mail::reply(450, 4, 1, "the next hop gave no answer");

class RecipientProbe : public ::testing::Test {
 protected:
  RecipientProbe() {
    config_->timeouts.probe = 20s;
    probe_ = std::make_unique<SmtpRecipientProbe>([this] { return config_; }, resolver_, clock_);
  }
  void route_to(std::uint16_t port, std::string_view host = "127.0.0.1") {
    config::Route route;
    route.pattern = "relayed.test";
    route.domain = domain(route.pattern);
    route.via = config::ViaSmtp{std::string(host), port};
    config_->routes = {std::move(route)};
  }
  std::future<mail::Reply> begin(std::string_view recipient = "bob@relayed.test") {
    std::promise<mail::Reply> promise;
    auto future = promise.get_future();
    probe_->ask(address(recipient),
                [p = std::move(promise)](mail::Reply reply) mutable { p.set_value(reply); });
    return future;
  }
  mail::Reply ask(std::string_view recipient = "bob@relayed.test") { return begin(recipient).get(); }

  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>(domain("mx.here.test"));
  sys::fake::Resolver resolver_;
  sys::fake::Clock clock_;
  std::unique_ptr<SmtpRecipientProbe> probe_;
};

TEST_F(RecipientProbe, AsksAndLeavesAndRemembers) {
  FakeHop hop;
  route_to(hop.port());
  EXPECT_EQ(ask("Bob+x@Relayed.test"), mail::reply(250, 1, 5, "ok"));
  EXPECT_THAT(hop.heard(1),
              ElementsAre("EHLO mx.here.test", "MAIL FROM:<>", "RCPT TO:<Bob+x@relayed.test>", "QUIT"));
  clock_.advance(59min);
  EXPECT_EQ(ask("Bob+x@relayed.test"), mail::reply(250, 1, 5, "ok"));
  EXPECT_EQ(hop.heard(1).size(), 4u);
  clock_.advance(1min);
  EXPECT_EQ(ask("Bob+x@relayed.test"), mail::reply(250, 1, 5, "ok"));
  EXPECT_EQ(hop.heard(2).size(), 8u);
}

TEST_F(RecipientProbe, AsksFromTheRoutesAddressWithItsName) {
  testing::ScriptedServer hop;
  route_to(hop.port());
  config_->routes[0].source = {base::IpAddress::parse("127.0.0.77").value()};
  config_->routes[0].helo = "out.here.test";
  EXPECT_EQ(ask(), mail::reply(250, 1, 5, "ok"));
  EXPECT_EQ(hop.heard(1)[0], "EHLO out.here.test");
  EXPECT_THAT(hop.peers(), ElementsAre("127.0.0.77"));
}

TEST_F(RecipientProbe, GivesTheNextHopsRefusalWithAllItsLines) {
  FakeHop hop({{"RCPT", "550-5.1.1 nobody of\r\n550 5.1.1 that name"}});
  route_to(hop.port());
  EXPECT_EQ(ask(), mail::reply(550, 1, 1, "nobody of\nthat name"));
  clock_.advance(5min - 1ms);
  EXPECT_EQ(ask(), mail::reply(550, 1, 1, "nobody of\nthat name"));
  EXPECT_EQ(hop.heard(1).size(), 4u);
  clock_.advance(1ms);
  EXPECT_TRUE(ask().permanent());
  EXPECT_EQ(hop.heard(2).size(), 8u);
}

TEST_F(RecipientProbe, ATemporaryRefusalIsHandedOnAndSoonAskedAgain) {
  FakeHop hop({{"RCPT", "451 4.7.1 greylisted"}});
  route_to(hop.port());
  EXPECT_EQ(ask(), mail::reply(451, 7, 1, "greylisted"));
  clock_.advance(10s);
  EXPECT_EQ(ask(), mail::reply(451, 7, 1, "greylisted"));
  EXPECT_EQ(hop.heard(2).size(), 8u);
}

TEST_F(RecipientProbe, SaysHeloToAServerThatKnowsNoEhlo) {
  FakeHop hop({{"EHLO", "502 what?"}});
  route_to(hop.port());
  EXPECT_EQ(ask().code, 250);
  EXPECT_EQ(hop.heard(1).at(1), "HELO mx.here.test");
}

TEST_F(RecipientProbe, ATroubleThatIsNotTheRecipientsIsTemporary) {
  config_->timeouts.probe = 1h;  // none of these may wait for it
  const FakeHop::Script troubles[] = {{{"", "554 5.3.2 no mail here"}},
                                      {{"EHLO", "550 no"}, {"HELO", "550 no"}},
                                      {{"EHLO", "421 4.3.2 leaving"}},
                                      {{"MAIL", "550 5.7.1 no bounces"}},
                                      {{"RCPT", "530 5.7.0 Must issue STARTTLS first"}},
                                      {{"RCPT", "421 4.3.2 leaving"}},
                                      {{"RCPT", "354 go on"}},
                                      {{"RCPT", "nonsense"}},
                                      {{"RCPT", std::string(5000, 'x')}},
                                      {{"EHLO", "250-one\r\n251 two"}}};
  for (std::size_t i = 0; i < std::size(troubles); ++i) {
    FakeHop hop(troubles[i]);
    route_to(hop.port());
    EXPECT_EQ(ask("bob" + std::to_string(i) + "@relayed.test"), kNoAnswer) << i;
  }
}

TEST_F(RecipientProbe, ANextHopThatIsDownIsTemporary) {
  {
    FakeHop hop;
    route_to(hop.port());
  }
  EXPECT_EQ(ask(), kNoAnswer);
}

TEST_F(RecipientProbe, ANextHopThatDoesNotAnswerCostsNoMoreThanTheTimeout) {
  config_->timeouts.probe = 50ms;
  for (const std::string silent : {"", "MAIL", "RCPT"}) {
    FakeHop hop({{silent, ""}});
    route_to(hop.port());
    EXPECT_EQ(ask("silent" + silent + "@relayed.test"), kNoAnswer) << silent;
  }
}

TEST_F(RecipientProbe, GoesOnToTheNextAddressWhereOneFails) {
  FakeHop hop;
  resolver_.hosts["hub.test"] = {"::1", "127.0.0.1"};  // nobody listens on the first
  route_to(hop.port(), "hub.test");
  EXPECT_EQ(ask().code, 250);
}

TEST_F(RecipientProbe, OneConnectionServesAllWhoAskForTheSameRecipient) {
  FakeHop hop;
  hop.hold();
  route_to(hop.port());
  auto first = begin();
  hop.wait_for("RCPT TO:<bob@relayed.test>");
  auto second = begin();
  hop.let_go();
  EXPECT_EQ(first.get().code, 250);
  EXPECT_EQ(second.get().code, 250);
  EXPECT_EQ(hop.heard(1).size(), 4u);
}

TEST_F(RecipientProbe, AsksFiftyAtATimeAndAnswersAllWhenItGoes) {
  FakeHop hop;
  hop.hold();
  route_to(hop.port());
  std::vector<std::future<mail::Reply>> open;
  for (int i = 0; i < 50; ++i) open.push_back(begin("bob" + std::to_string(i) + "@relayed.test"));
  EXPECT_EQ(ask("late@relayed.test"), mail::reply(450, 3, 2, "too many recipients are being checked"));
  hop.wait_for("EHLO mx.here.test");
  probe_.reset();
  for (auto& one : open) EXPECT_EQ(one.get(), mail::reply(450, 3, 2, "shutting down"));
  hop.let_go();
}

TEST_F(RecipientProbe, NeverAsksItself) {
  FakeHop hop;
  route_to(hop.port());
  config_->listeners.emplace_back();
  config_->listeners[0].port = hop.port();  // at 0.0.0.0
  EXPECT_EQ(ask(), mail::reply(450, 4, 6, "mail for relayed.test would come back to this server"));
  config_->listeners = {};
  const OwnEndpoints own({{base::IpAddress::parse("127.0.0.1").value(), hop.port()}});
  probe_ = std::make_unique<SmtpRecipientProbe>([this] { return config_; }, resolver_, clock_, own);
  EXPECT_EQ(ask().enhanced->to_string(), "4.4.6");
}

TEST_F(RecipientProbe, ANonAsciiRecipientNeedsSmtputf8) {
  FakeHop hop;
  route_to(hop.port());
  EXPECT_EQ(ask("j\xC3\xBCrg@relayed.test").code, 250);
  EXPECT_THAT(hop.heard(1), ::testing::Contains("MAIL FROM:<> SMTPUTF8"));
  FakeHop old({{"EHLO", "250-SMTPUTF8\r\n250-SMTPUTF8X\r\n250 HELP"}});
  route_to(old.port());
  EXPECT_EQ(ask("l\xC3\xBC@relayed.test"),
            mail::reply(553, 6, 7, "the next hop takes no non-ASCII addresses"));
}

TEST_F(RecipientProbe, WhatTheDnsKnowsNeedsNoConnection) {
  resolver_.exchanges["relayed.test"] = {{0, "."}};
  EXPECT_EQ(ask().code, 556);
}

}  // namespace
}  // namespace postrider::deliver
