#include "deliver/smtp_courier.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "base/testing/temporary_folder.hpp"
#include "deliver/files.hpp"
#include "deliver/testing/client_house.hpp"
#include "deliver/testing/scripted_server.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::deliver {
namespace {

using namespace std::chrono_literals;
using mail::Action;
using queue::Contact;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScriptedServer;
using ::testing::StartsWith;

mail::Domain domain(std::string_view text) { return mail::Domain::parse(text).value(); }

// Leaves two addresses of a host in their order.
struct InOrder final : sys::Random {
  void fill(std::span<std::uint8_t> out) override { std::ranges::fill(out, std::uint8_t{0xFF}); }
};

class SmtpCourierTest : public ::testing::Test {
 protected:
  SmtpCourierTest() {
    envelope_.reverse_path = mail::ReversePath(testing::address("sender@here.test"));
    envelope_.recipients.push_back(testing::recipient("alice@there.test"));
    resolver_.hosts["hub.test"] = {"127.0.0.1", "127.0.0.2"};
    config_->delivery.ip = config::IpPreference::only_ipv4;
    start();
  }
  void start() {
    courier_.reset();
    finder_ = std::make_unique<HostFinder>(HostFinder::Parts{
        .resolver = resolver_, .clock = clock_, .random = random_, .config = [this] { return config_; }});
    courier_ = std::make_unique<SmtpCourier>(
        SmtpCourier::Parts{.config = [this] { return config_; }, .hosts = *finder_, .clock = clock_});
  }
  void route_to(config::Via via) {
    config::Route route;
    route.pattern = "there.test";
    route.domain = domain("there.test");
    route.via = std::move(via);
    route.helo = helo_;
    route.source = source_;
    route_ = std::make_shared<config::Route>(std::move(route));
  }
  void route_to_hub(std::uint16_t port) { route_to(config::ViaSmtp{"hub.test", port}); }

  std::future<queue::Report> begin() {
    auto promise = std::make_shared<std::promise<queue::Report>>();
    auto future = promise->get_future();
    queue::Job job{.id = {1},
                   .envelope = std::make_shared<mail::Envelope>(envelope_),
                   .recipients = {},
                   .destination = {domain("there.test"), route_},
                   .site = site_,
                   .open = [this] { return std::make_unique<testing::Pieces>(content_, false); }};
    for (std::uint32_t i = 0; i < envelope_.recipients.size(); ++i) job.recipients.push_back(i);
    courier_->deliver(std::move(job),
                      [promise](queue::Report report) { promise->set_value(std::move(report)); });
    return future;
  }
  queue::Report deliver() { return begin().get(); }
  static std::string result(const queue::Report& report) {
    const auto& outcome = report.outcomes.at(0);
    return std::string(to_string(outcome.action)) + ' ' + one_line(outcome.reply);
  }

  sys::fake::Resolver resolver_;
  sys::fake::Clock clock_;
  InOrder random_;
  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>(domain("mx.here.test"));
  std::string site_ = "site";  // as located, perhaps long ago
  std::string helo_;
  std::vector<base::IpAddress> source_;
  std::shared_ptr<const config::Route> route_;
  mail::Envelope envelope_;
  std::vector<std::string> content_{"Subject: x\r\n\r\n.hello\r\n"};
  std::unique_ptr<HostFinder> finder_;
  std::unique_ptr<SmtpCourier> courier_;
};

TEST_F(SmtpCourierTest, CarriesAMessageAndTellsHowItWent) {
  ScriptedServer server;
  route_to_hub(server.port());
  const auto report = deliver();
  EXPECT_EQ(result(report), "relayed 250 2.0.0 taken");
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(report.outcomes[0].relay, "hub.test[127.0.0.1]:" + port);
  EXPECT_EQ(report.outcomes[0].at, clock_.utc());
  EXPECT_EQ(report.contact, Contact::made);
  ASSERT_EQ(report.trials.size(), 1u);
  EXPECT_EQ(report.trials[0].host, "hub.test");
  EXPECT_EQ(report.trials[0].address, "127.0.0.1:" + port);
  EXPECT_EQ(report.trials[0].result, "250 2.0.0 taken");
  EXPECT_EQ(report.trials[0].transcript, "");
  EXPECT_EQ(server.content(), "Subject: x\r\n\r\n..hello\r\n");
}

TEST_F(SmtpCourierTest, TheSiteIsWhatTheHostFinderSays) {
  route_to_hub(2525);
  std::promise<queue::Located> promise;
  courier_->locate({domain("there.test"), route_},
                   [&](queue::Located located) { promise.set_value(std::move(located)); });
  EXPECT_EQ(promise.get_future().get()->name, "smtp://hub.test:2525");
  route_to(config::ViaMx{});
  std::promise<queue::Located> unknown;
  courier_->locate({domain("there.test"), route_},
                   [&](queue::Located located) { unknown.set_value(std::move(located)); });
  EXPECT_EQ(unknown.get_future().get().error().reply.enhanced->to_string(), "5.1.2");
}

TEST_F(SmtpCourierTest, AnUnknownDomainIsNobodysFault) {
  route_to(config::ViaMx{});
  const auto report = deliver();
  EXPECT_EQ(report.outcomes[0].action, Action::failed);
  EXPECT_EQ(report.outcomes[0].reply.enhanced->to_string(), "5.1.2");
  EXPECT_EQ(report.contact, Contact::none);
  EXPECT_THAT(report.trials, IsEmpty());
}

TEST_F(SmtpCourierTest, TheNextMessageTakesTheKeptConnection) {
  ScriptedServer server;
  route_to_hub(server.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(result(deliver()), "relayed 250 2.0.0 taken");
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_THAT(server.heard(10), ElementsAre("EHLO mx.here.test", StartsWith("MAIL"), StartsWith("RCPT"),
                                            "DATA", StartsWith("MAIL"), StartsWith("RCPT"), "DATA",
                                            StartsWith("MAIL"), StartsWith("RCPT"), "DATA"));
}

TEST_F(SmtpCourierTest, AKeptConnectionBelongsToTheHostsThatWereFoundNotToTheSiteThatWasLocated) {
  ScriptedServer before;
  ScriptedServer after;
  route_to_hub(before.port());
  deliver();
  route_to_hub(after.port());
  const auto report = deliver();
  EXPECT_EQ(report.outcomes[0].relay, "hub.test[127.0.0.1]:" + std::to_string(after.port()));
  EXPECT_EQ(before.connections(), 1u);
  site_ = "another";
  deliver();
  EXPECT_EQ(after.connections(), 1u);
}

TEST_F(SmtpCourierTest, AKeptConnectionIsNotUsedWhereItsAddressIsNoLongerTheHosts) {
  ScriptedServer before;
  ScriptedServer after({}, "127.0.0.2", before.port());
  route_to_hub(before.port());
  deliver();
  resolver_.hosts["hub.test"] = {"127.0.0.2"};
  clock_.advance(6min);
  const auto report = deliver();
  EXPECT_EQ(report.outcomes[0].relay, "hub.test[127.0.0.2]:" + std::to_string(before.port()));
  EXPECT_EQ(before.connections(), 1u);
}

TEST_F(SmtpCourierTest, AConnectionCarriesNoMoreThanItsMessages) {
  config_->delivery.messages_per_connection = 2;
  ScriptedServer server;
  route_to_hub(server.port());
  for (int i = 0; i < 3; ++i) deliver();
  EXPECT_EQ(server.connections(), 2u);
  server.wait_for_ends(1);
  EXPECT_THAT(server.heard(0), ::testing::Contains("QUIT"));
}

TEST_F(SmtpCourierTest, AnIdleConnectionIsLeftAfterItsTime) {
  config_->delivery.idle = 20ms;
  ScriptedServer server;
  route_to_hub(server.port());
  deliver();
  server.wait_for_ends(1);
  EXPECT_EQ(server.heard(5).back(), "QUIT");
}

TEST_F(SmtpCourierTest, AnotherHeloIsAnotherConnection) {
  ScriptedServer server;
  route_to_hub(server.port());
  deliver();
  helo_ = "out.here.test";
  route_to_hub(server.port());
  deliver();
  EXPECT_EQ(server.connections(), 2u);
  EXPECT_EQ(server.heard(5)[4], "EHLO out.here.test");
}

TEST_F(SmtpCourierTest, AKeptConnectionThatDiedIsNoFailure) {
  for (const std::string how : {"close", "421 4.4.2 idle"}) {
    start();
    ScriptedServer server({{"MAIL", "250 ok|" + how + "|250 ok"}});
    route_to_hub(server.port());
    deliver();
    const auto report = deliver();
    EXPECT_EQ(result(report), "relayed 250 2.0.0 taken");
    EXPECT_EQ(report.trials.size(), 1u);
    EXPECT_EQ(server.connections(), 2u);
  }
}

TEST_F(SmtpCourierTest, AKeptConnectionThatIsSilentIsAFailedTrial) {
  config_->delivery.command = 30ms;
  ScriptedServer server({{"MAIL", "250 ok|hang|250 ok"}});
  route_to_hub(server.port());
  deliver();
  const auto report = deliver();
  ASSERT_GE(report.trials.size(), 1u);
  EXPECT_EQ(report.trials[0].result, "451 4.4.2 time ran out while waiting for the reply to MAIL");
}

TEST_F(SmtpCourierTest, WhereNoTimeWasLeftForAnyHostTheReplySaysSo) {
  config_->delivery.attempt = 0ms;
  route_to_hub(1);
  const auto report = deliver();
  EXPECT_EQ(result(report), "deferred 451 4.4.2 time ran out before a host answered");
  EXPECT_EQ(report.contact, Contact::none);
}

TEST_F(SmtpCourierTest, AMessageThatIsWithTheServerHasTheTimeOfTheEndOfTheDataAndNoOtherHost) {
  config_->delivery.data_end = 30ms;
  config_->delivery.attempt = 5s;
  ScriptedServer first({{"EHLO", "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING"}, {"MAIL", "hang"}});
  ScriptedServer second({}, "127.0.0.2", first.port());
  route_to_hub(first.port());
  const auto report = deliver();
  EXPECT_EQ(result(report), "deferred 451 4.4.2 time ran out while waiting for the reply to MAIL");
  ASSERT_EQ(report.trials.size(), 1u);
  EXPECT_LT(report.trials[0].took, 3s);
  EXPECT_EQ(second.connections(), 0u);
}

TEST_F(SmtpCourierTest, ASourceThatCannotBeUsedIsToldForEachHost) {
  source_ = {
      base::IpAddress::parse("198.51.100.55").value()};  // nowhere ours, also not in tools/in_namespace
  route_to_hub(1);
  const auto report = deliver();
  ASSERT_EQ(report.trials.size(), 2u);
  for (const auto& trial : report.trials)
    EXPECT_EQ(trial.result, "451 4.4.1 no connection: Cannot assign requested address");
  EXPECT_EQ(report.contact, Contact::none);
}

TEST_F(SmtpCourierTest, WhereNoDescriptorIsLeftTheSiteIsNotBlamed) {
  route_to_hub(1);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto report = deliver();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(result(report), "deferred 451 4.4.1 no connection: Too many open files");
  EXPECT_EQ(report.contact, Contact::none);
  EXPECT_EQ(report.trials.size(), 2u);
  EXPECT_EQ(deliver().contact, Contact::failed);  // it refuses the connection
}

// A Unix socket whose queue of connections is full.
class FullSocket {
 public:
  explicit FullSocket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener_.get(), plain, sizeof address) != 0 || ::listen(listener_.get(), 0) != 0)
      std::abort();
    do waiting_.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    while (::connect(waiting_.back().get(), plain, sizeof address) == 0);
  }
  // Also the one that comes then.
  void take_all() {
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const Handle taken(::accept(listener_.get(), nullptr, nullptr));
      const std::string_view reply = "554 5.3.2 no mail here\r\n";
      ::send(taken.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    }
  }

 private:
  Handle listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<Handle> waiting_;
};

TEST_F(SmtpCourierTest, AUnixSocketWhoseQueueIsFullIsAskedAgainAndNotBlamed) {
  const base::testing::TemporaryFolder folder;
  const std::string path = folder.path() / "socket";
  FullSocket full(path);
  ScriptedServer other;
  route_to(config::ViaLmtp{{}, 24, path});
  config_->delivery.connect = 10ms;
  const auto report = deliver();
  EXPECT_EQ(result(report), "deferred 451 4.4.1 no connection: Resource temporarily unavailable");
  EXPECT_EQ(report.contact, Contact::none);
  config_->delivery.connect = 10s;
  auto later = begin();
  route_to_hub(other.port());
  deliver();  // on the same thread, so that the other has been at the socket
  full.take_all();
  EXPECT_EQ(result(later.get()), "deferred 451 4.3.2 the server turned us away: 554 5.3.2 no mail here");
}

TEST_F(SmtpCourierTest, TheNextHostIsTriedWhereOneCannotBeReached) {
  std::uint16_t port = 0;
  {
    ScriptedServer free;
    port = free.port();
  }
  ScriptedServer second({}, "127.0.0.2", port);
  route_to_hub(port);
  const auto report = deliver();
  EXPECT_EQ(report.outcomes[0].relay, "hub.test[127.0.0.2]:" + std::to_string(port));
  ASSERT_EQ(report.trials.size(), 2u);
  EXPECT_EQ(report.trials[0].result, "451 4.4.1 no connection: Connection refused");
  EXPECT_EQ(report.contact, Contact::made);
}

TEST_F(SmtpCourierTest, TheNextHostIsTriedWhereOneTurnsUsAwayOrBreaksOff) {
  const ScriptedServer::Script troubles[] = {{{"", "554 5.3.2 no mail here"}},
                                             {{"", "421 4.7.0 busy"}},
                                             {{"", "close"}},
                                             {{"EHLO", "close"}},
                                             {{"MAIL", "close"}},
                                             {{"MAIL", "451 4.3.0 later"}},
                                             {{"MAIL", "421 4.3.0 later"}},
                                             {{"RCPT", "close"}},
                                             {{"RCPT", "421 4.7.0 enough"}},
                                             {{"DATA", "close"}},
                                             {{"DATA", "250 what"}},
                                             {{"EHLO", "550 no"}, {"HELO", "550 no"}}};
  for (std::size_t i = 0; i < std::size(troubles); ++i) {
    start();
    ScriptedServer first(troubles[i]);
    ScriptedServer second({}, "127.0.0.2", first.port());
    route_to_hub(first.port());
    const auto report = deliver();
    EXPECT_EQ(result(report), "relayed 250 2.0.0 taken") << i;
    ASSERT_EQ(report.trials.size(), 2u) << i;
    EXPECT_NE(report.trials[0].result, "") << i;
    EXPECT_EQ(report.trials[0].transcript.empty(), i == 2) << i;
    EXPECT_EQ(report.trials[1].transcript, "") << i;
  }
}

TEST_F(SmtpCourierTest, AVerdictIsAVerdictAndNoOtherHostIsAsked) {
  const std::pair<ScriptedServer::Script, std::string> verdicts[] = {
      {{{"MAIL", "550 5.7.1 no"}}, "failed 550 5.7.1 no"},
      {{{"RCPT", "550 5.1.1 no"}}, "failed 550 5.1.1 no"},
      {{{"RCPT", "450 4.2.0 greylisted"}}, "deferred 450 4.2.0 greylisted"},
      {{{"DATA", "451 4.3.0 no"}}, "deferred 451 4.3.0 no"},
      {{{".", "554 5.7.1 spam"}}, "failed 554 5.7.1 spam"},
      {{{".", "close"}},
       "deferred 451 4.4.2 the server closed the connection while waiting for the reply to the end of the "
       "data"}};
  for (const auto& [script, expected] : verdicts) {
    start();
    ScriptedServer first(script);
    ScriptedServer second({}, "127.0.0.2", first.port());
    route_to_hub(first.port());
    const auto report = deliver();
    EXPECT_EQ(result(report), expected);
    EXPECT_EQ(report.contact, Contact::made);
    ASSERT_EQ(report.trials.size(), 1u);
    EXPECT_THAT(report.trials[0].transcript, HasSubstr("C: MAIL FROM:<sender@here.test>\n"));
    EXPECT_EQ(second.connections(), 0u);
  }
}

TEST_F(SmtpCourierTest, WhereEveryHostFailsTheContactHasFailed) {
  ScriptedServer first({{"", "554 5.3.2 no mail here"}});
  route_to_hub(first.port());
  const auto report = deliver();
  EXPECT_EQ(report.contact, Contact::failed);
  // What a host said is worth more than that another one could not be reached.
  EXPECT_EQ(result(report), "deferred 451 4.3.2 the server turned us away: 554 5.3.2 no mail here");
  EXPECT_EQ(report.trials.size(), 2u);
  EXPECT_THAT(report.trials[0].transcript, HasSubstr("S: 554 5.3.2 no mail here\n"));
}

TEST_F(SmtpCourierTest, MailThatNoHostTakesNowIsDeferredWithItsReply) {
  ScriptedServer first({{"MAIL", "451 4.7.1 later"}});
  ScriptedServer second({{"MAIL", "451 4.7.1 much later"}}, "127.0.0.2", first.port());
  route_to_hub(first.port());
  const auto report = deliver();
  EXPECT_EQ(result(report), "deferred 451 4.7.1 much later");
  EXPECT_EQ(report.contact, Contact::made);
}

TEST_F(SmtpCourierTest, EveryStepHasItsTime) {
  config_->delivery.greeting = config_->delivery.command = config_->delivery.data_start =
      config_->delivery.data_end = 30ms;
  resolver_.hosts["hub.test"] = {"127.0.0.1"};
  for (const std::string silent : {"", "EHLO", "MAIL", "RCPT", "DATA", "."}) {
    start();
    ScriptedServer server({{silent, "hang"}});
    route_to_hub(server.port());
    const auto report = deliver();
    EXPECT_EQ(report.outcomes[0].action, Action::deferred) << silent;
    EXPECT_EQ(report.outcomes[0].reply.enhanced->to_string(), "4.4.2") << silent;
    EXPECT_THAT(report.outcomes[0].reply.text, StartsWith("time ran out while waiting for ")) << silent;
  }
}

TEST_F(SmtpCourierTest, TheAttemptHasItsTimeToo) {
  config_->delivery.attempt = 30ms;
  ScriptedServer first({{"MAIL", "hang"}});
  ScriptedServer second({}, "127.0.0.2", first.port());
  route_to_hub(first.port());
  EXPECT_EQ(result(deliver()), "deferred 451 4.4.2 time ran out while waiting for the reply to MAIL");
  EXPECT_EQ(second.connections(), 0u);
}

TEST_F(SmtpCourierTest, WhatRequiresTlsFailsUnasked) {
  envelope_.require_tls = true;
  route_to_hub(1);
  const auto report = deliver();
  EXPECT_EQ(report.outcomes[0].reply.code, 550);
  EXPECT_EQ(report.outcomes[0].reply.enhanced->to_string(), "5.7.30");
  EXPECT_EQ(report.contact, Contact::none);
}

TEST_F(SmtpCourierTest, GoesByLmtpIntoAMailboxOverTcpAndUnixSockets) {
  ScriptedServer tcp;
  route_to(config::ViaLmtp{"127.0.0.1", tcp.port(), {}});
  EXPECT_EQ(result(deliver()), "delivered 250 2.0.0 taken");
  EXPECT_EQ(tcp.heard(1)[0], "LHLO mx.here.test");

  start();
  const base::testing::TemporaryFolder folder;
  const std::string path = folder.path() / "socket";
  {
    ScriptedServer local({}, path);
    route_to(config::ViaLmtp{{}, 24, path});
    const auto report = deliver();
    EXPECT_EQ(result(report), "delivered 250 2.0.0 taken");
    EXPECT_EQ(report.outcomes[0].relay, path);
    EXPECT_EQ(report.trials[0].address, path);
    courier_.reset();
  }
  start();
  const auto report = deliver();
  EXPECT_EQ(result(report), "deferred 451 4.4.1 no connection: Connection refused");
  EXPECT_EQ(report.contact, Contact::failed);
}

TEST_F(SmtpCourierTest, SendsFromTheRoutesAddress) {
  ScriptedServer server;
  source_ = {base::IpAddress::parse("127.0.0.77").value()};
  route_to(config::ViaSmtp{"127.0.0.1", server.port()});
  EXPECT_EQ(result(deliver()), "relayed 250 2.0.0 taken");
  EXPECT_EQ(server.peers(), std::vector<std::string>{"127.0.0.77"});
}

TEST_F(SmtpCourierTest, ALargeMessageArrivesWhole) {
  content_ = {};
  for (int i = 0; i < 40; ++i)
    content_.push_back(std::string(262142, static_cast<char>('a' + i % 26)) + "\r\n");
  std::string whole;
  for (const auto& piece : content_) whole += piece;
  ScriptedServer server;
  route_to_hub(server.port());
  EXPECT_EQ(result(deliver()), "relayed 250 2.0.0 taken");
  EXPECT_TRUE(server.content() == whole);
  server.change("EHLO", "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING");
  start();
  EXPECT_EQ(result(deliver()), "relayed 250 2.0.0 taken");
  EXPECT_TRUE(server.content() == whole);
}

TEST_F(SmtpCourierTest, AServerThatRefusesInTheMiddleOfTheContentIsHeard) {
  content_.assign(400, std::string(262144, 'x'));
  ScriptedServer server({{"DATA", "354 go\r\n552 5.3.4 enough"}});
  server.close_after("DATA");
  resolver_.hosts["hub.test"] = {"127.0.0.1"};
  route_to_hub(server.port());
  EXPECT_EQ(result(deliver()), "failed 552 5.3.4 enough");
}

TEST_F(SmtpCourierTest, ManyAtATimeShareTheThread) {
  ScriptedServer server;
  route_to_hub(server.port());
  std::vector<std::future<queue::Report>> open;
  for (int i = 0; i < 50; ++i) open.push_back(begin());
  for (auto& one : open) EXPECT_EQ(result(one.get()), "relayed 250 2.0.0 taken");
  EXPECT_LE(server.connections(), 50u);
}

TEST_F(SmtpCourierTest, AStopDefersWhatIsUnderWayAndSaysQuitToTheRest) {
  ScriptedServer idle;
  route_to_hub(idle.port());
  deliver();
  ScriptedServer silent({{"MAIL", "hang"}});
  ScriptedServer mute({{"", "hang"}});
  helo_ = "a.test";
  route_to_hub(silent.port());
  auto first = begin();
  silent.heard(2);
  helo_ = "b.test";
  route_to_hub(mute.port());
  auto second = begin();
  courier_.reset();
  for (auto* one : {&first, &second}) {
    const auto report = one->get();
    EXPECT_EQ(report.outcomes[0].action, Action::deferred);
    EXPECT_EQ(report.outcomes[0].reply, mail::reply(451, 3, 2, "shutting down"));
    EXPECT_EQ(report.contact, Contact::none);
  }
  EXPECT_EQ(idle.heard(5).back(), "QUIT");
}

TEST_F(SmtpCourierTest, AStopSaysQuitWhereNothingIsUnderWay) {
  for (int i = 0; i < 20; ++i) {
    start();
    ScriptedServer idle;
    route_to_hub(idle.port());
    deliver();
    courier_.reset();
    idle.wait_for_ends(1);
    EXPECT_EQ(idle.heard(0).back(), "QUIT");
  }
}

}  // namespace
}  // namespace postrider::deliver
