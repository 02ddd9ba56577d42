#include "deliver/pipe_courier.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "base/testing/temporary_folder.hpp"

namespace postrider::deliver {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using enum mail::Action;

constexpr auto kPatience = std::chrono::seconds(20);

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

// These, and then, where it is told to, a failure.
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

// Programs may not run as root, as which the tests perhaps run.
std::string harmless_user() { return geteuid() == 0 ? "nobody" : ""; }

class PipeCourierTest : public ::testing::Test {
 protected:
  PipeCourierTest() {
    signal(SIGPIPE, SIG_IGN);
    chmod(folder_.c_str(), 0777);
    via_.user = harmless_user();
    via_.time_limit = kPatience;
  }

  // A program of these lines of sh. Its working folder is this test's.
  void program(const std::string& lines) {
    const std::string path = folder_ + "/program";
    std::ofstream(path) << "#!/bin/sh\ncd " << folder_ << "\n" << lines << "\n";
    chmod(path.c_str(), 0755);
    via_.program = path;
  }
  std::string written(const std::string& name) const {
    std::ifstream file(folder_ + '/' + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // For the last of two recipients.
  queue::Job job(const std::string& to) {
    auto envelope = std::make_shared<mail::Envelope>();
    envelope->reverse_path = sender_;
    for (const std::string& one : {std::string("ann@there.test"), to})
      envelope->recipients.push_back({.original = address("alias@here.test"),
                                      .alias = {},
                                      .final = address(one),
                                      .orcpt = {},
                                      .notify = {},
                                      .last = {}});
    return {.id = base::MessageId{123456789},
            .envelope = std::move(envelope),
            .recipients = {1},
            .destination = {.host = address(to).host(), .route = route()},
            .site = {},
            .open = [this] { return std::make_unique<Pieces>(content_, content_breaks_); }};
  }
  std::shared_ptr<config::Route> route() const {
    auto route = std::make_shared<config::Route>();
    route->pattern = "*";
    route->via = via_;
    return route;
  }
  std::future<queue::Report> begin(const std::string& to) {
    auto promise = std::make_shared<std::promise<queue::Report>>();
    courier_->deliver(job(to), [promise](queue::Report report) { promise->set_value(std::move(report)); });
    return promise->get_future();
  }
  queue::Report deliver(const std::string& to = "bob@there.test") {
    auto future = begin(to);
    if (future.wait_for(kPatience) != std::future_status::ready) throw std::runtime_error("no report");
    return future.get();
  }
  mail::Outcome outcome() { return deliver().outcomes.at(0); }

  const base::testing::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
  config::ViaPipe via_;
  mail::ReversePath sender_{address("\"a b\"@from.test")};
  std::vector<std::string> content_{"Subject: x\r\n\r\nhel", "lo\r\n.\r\n"};
  bool content_breaks_ = false;
  std::shared_ptr<config::Config> config_ =
      std::make_shared<config::Config>(*mail::Domain::parse("mx.here.test"));
  std::unique_ptr<PipeCourier> courier_ = std::make_unique<PipeCourier>([this] { return config_; });
};

TEST_F(PipeCourierTest, GivesTheMessageWithTraceFieldsAndLfLineEnds) {
  program("cat > mail");
  const queue::Report report = deliver();
  ASSERT_THAT(report.outcomes, SizeIs(1));
  EXPECT_EQ(report.outcomes[0].action, delivered);
  EXPECT_EQ(report.outcomes[0].reply, mail::reply(250, 0, 0, "delivered"));
  EXPECT_EQ(report.outcomes[0].relay, "pipe:" + via_.program);
  EXPECT_EQ(report.outcomes[0].detail, "exit code 0");
  EXPECT_EQ(report.contact, queue::Contact::made);
  ASSERT_THAT(report.trials, SizeIs(1));
  EXPECT_EQ(report.trials[0].address, "pipe:" + via_.program);
  EXPECT_EQ(report.trials[0].transcript, "");
  EXPECT_EQ(written("mail"),
            "Return-Path: <\"a b\"@from.test>\nDelivered-To: bob@there.test\nSubject: x\n\nhello\n.\n");
}

TEST_F(PipeCourierTest, FillsItsArgumentsEachOfWhichStaysOne) {
  program("for one in \"$@\"; do echo \"[$one]\"; done > arguments");
  via_.arguments = {"-f",   "{sender}",         "{user} at {domain}", "{original}", "", "$(id) `id` ; *",
                    "{id}", "{recipient}{user}"};
  EXPECT_EQ(deliver("\"{id} $HOME;\\\"x\"@there.test").outcomes[0].action, delivered);
  const std::string id = base::MessageId{123456789}.to_string();
  EXPECT_EQ(written("arguments"),
            "[-f]\n[\"a b\"@from.test]\n[{id} $HOME;\"x at there.test]\n[alias@here.test]\n[]\n" +
                ("[$(id) `id` ; *]\n[" + id) + "]\n[\"{id} $HOME;\\\"x\"@there.test{id} $HOME;\"x]\n");
  sender_ = mail::ReversePath();
  via_.arguments = {"{sender}", "x"};
  EXPECT_EQ(outcome().action, delivered);
  EXPECT_EQ(written("arguments"), "[]\n[x]\n");
}

TEST_F(PipeCourierTest, HasACleanEnvironment) {
  setenv("POSTRIDER_SECRET", "x", 1);
  const Handle inherited(open("/dev/null", O_RDONLY));  // NOLINT: as a library may open it, without O_CLOEXEC
  program(
      "env | sort > environment; pwd > folder; umask > mask; ulimit -n > limit; ls /proc/self/fd > "
      "descriptors");
  EXPECT_EQ(outcome().action, delivered);
  unsetenv("POSTRIDER_SECRET");
  const std::string environment = written("environment");
  EXPECT_THAT(environment, HasSubstr("\nMESSAGE_ID=" + base::MessageId{123456789}.to_string() + "\n"));
  EXPECT_THAT(environment, HasSubstr("\nORIGINAL_RECIPIENT=alias@here.test\n"));
  EXPECT_THAT(environment, HasSubstr("\nPATH=/usr/local/bin:/usr/bin:/bin\n"));
  EXPECT_THAT(environment, HasSubstr("\nRECIPIENT=bob@there.test\n"));
  EXPECT_THAT(environment, HasSubstr("\nSENDER=\"a b\"@from.test\n"));
  EXPECT_THAT(environment, ::testing::Not(HasSubstr("POSTRIDER_SECRET")));
  EXPECT_EQ(written("mask"), "0077\n");
  EXPECT_LE(std::stoi(written("limit")), 1024);
  // 3 is the folder that ls reads.
  EXPECT_EQ(written("descriptors"), "0\n1\n2\n3\n");
}

TEST_F(PipeCourierTest, ARunIsForOneRecipientOfAJobOfItsOwn) {
  EXPECT_EQ(courier_->recipients_per_job(), 1u);
  program("echo \"$1\" >> runs; case $1 in carl*) exit 67;; esac");
  via_.arguments = {"{recipient}"};
  EXPECT_EQ(deliver("bob@there.test").outcomes.at(0).action, delivered);
  const queue::Report report = deliver("carl@there.test");
  ASSERT_THAT(report.outcomes, SizeIs(1));
  EXPECT_EQ(report.outcomes[0].reply, mail::reply(550, 1, 1, "the program for this address: no such user"));
  EXPECT_THAT(report.trials, SizeIs(1));
  EXPECT_EQ(written("runs"), "bob@there.test\ncarl@there.test\n");
}

TEST_F(PipeCourierTest, TakesWhatTheProgramWritesIntoItsWords) {
  program("cat > /dev/null; echo; echo '  no queue of\tthat name'; printf 'more\\033[1m\\n' >&2; exit 65");
  const queue::Report report = deliver();
  EXPECT_EQ(report.outcomes[0].action, failed);
  EXPECT_EQ(report.outcomes[0].reply,
            mail::reply(554, 6, 0, "the program for this address: data format error: no queue of that name"));
  EXPECT_EQ(report.outcomes[0].detail, "exit code 65:    no queue of that name more [1m ");
  EXPECT_EQ(report.trials[0].transcript, "\n  no queue of that name\nmore [1m\n");
  EXPECT_EQ(report.contact, queue::Contact::made);
}

TEST_F(PipeCourierTest, KeepsFourKibibytesOfEndlessOutput) {
  program("head -c 3000000 /dev/zero | tr '\\0' y; exit 75");
  const queue::Report report = deliver();
  EXPECT_EQ(report.outcomes[0].action, deferred);
  EXPECT_EQ(report.trials[0].transcript, std::string(4096, 'y'));
}

TEST_F(PipeCourierTest, MayLeaveTheMessageUnread) {
  content_.assign(64, std::string(100000, 'x'));
  program("exit 0");
  EXPECT_EQ(outcome().action, delivered);
  program("exec <&-; exit 75");
  EXPECT_EQ(outcome().reply.enhanced, (mail::EnhancedCode{4, 3, 0}));
}

TEST_F(PipeCourierTest, ReadsALargeMessageWhileTheProgramWrites) {
  content_.assign(64, std::string(100000, 'x'));
  program("cat");
  EXPECT_EQ(outcome().action, delivered);
  program("wc -c > size");
  EXPECT_EQ(outcome().action, delivered);
  EXPECT_EQ(written("size"), "6400060\n");
}

TEST_F(PipeCourierTest, EndsAProgramAtTheTimeLimit) {
  program("echo begun; exec sleep 1000");
  via_.time_limit = std::chrono::milliseconds(300);
  const queue::Report report = deliver();
  EXPECT_EQ(report.outcomes[0].action, deferred);
  EXPECT_EQ(report.outcomes[0].reply, mail::reply(451, 4, 7, "the program for this address took too long"));
  EXPECT_EQ(report.outcomes[0].detail, "time limit: begun ");
  EXPECT_EQ(report.contact, queue::Contact::failed);
}

TEST_F(PipeCourierTest, AMessageThatCanNotBeReadIsNotGivenHalf) {
  content_breaks_ = true;
  program("cat > mail; echo done > done");
  EXPECT_EQ(outcome().reply, mail::reply(451, 3, 0, "the message could not be read"));
  EXPECT_EQ(written("done"), "");
}

TEST_F(PipeCourierTest, AProgramThatDiesIsTriedAgain) {
  program("kill -SEGV $$");
  const mail::Outcome died = outcome();
  EXPECT_EQ(died.action, deferred);
  EXPECT_EQ(died.reply, mail::reply(451, 3, 0, "the program for this address died"));
  EXPECT_EQ(died.detail, "signal 11");
}

TEST_F(PipeCourierTest, AProgramThatCanNotBeStartedIsTriedAgain) {
  via_.program = folder_ + "/missing";
  const queue::Report missing = deliver();
  EXPECT_EQ(missing.outcomes[0].reply, mail::reply(451, 3, 5, "the program for this address can't be run"));
  EXPECT_EQ(missing.outcomes[0].detail, "No such file or directory");
  EXPECT_EQ(missing.contact, queue::Contact::failed);
  program("exit 0");
  chmod(via_.program.c_str(), 0644);
  EXPECT_EQ(outcome().detail, "Permission denied");
  via_.user = "postrider-nobody-at-all";
  EXPECT_EQ(outcome().detail, "there is no user postrider-nobody-at-all");
}

TEST_F(PipeCourierTest, AnAddressIsNeverAnOption) {
  program("exit 0");
  via_.arguments = {"{recipient}"};
  EXPECT_EQ(deliver("-oQ/tmp@there.test").outcomes[0].reply,
            mail::reply(550, 1, 3, "the recipient's address begins with a hyphen"));
  via_.arguments = {"-f{sender}", "<{recipient}>"};
  EXPECT_EQ(deliver("-oQ/tmp@there.test").outcomes[0].action, delivered);
  sender_ = mail::ReversePath(address("-x@from.test"));
  via_.arguments = {"{sender}"};
  EXPECT_EQ(outcome().reply, mail::reply(550, 1, 7, "the sender's address begins with a hyphen"));
}

TEST_F(PipeCourierTest, EndsWhatRunsAndBeginsNothingWhenItIsStopped) {
  program("echo begun >> begun; exec sleep 1000");
  std::vector<std::future<queue::Report>> open;
  for (std::size_t i = 0; i <= PipeCourier::kPrograms; ++i) open.push_back(begin("bob@there.test"));
  while (written("begun").size() < PipeCourier::kPrograms * 6) std::this_thread::yield();
  courier_.reset();
  for (auto& one : open) {
    const queue::Report report = one.get();
    EXPECT_EQ(report.outcomes[0].reply, mail::reply(451, 3, 2, "shutting down"));
    EXPECT_EQ(report.contact, queue::Contact::none);
    EXPECT_THAT(report.trials, SizeIs(&one == &open.back() ? 0 : 1));
  }
}

TEST_F(PipeCourierTest, TheSiteIsTheProgram) {
  std::optional<queue::Located> located;
  via_.program = "/bin/cat";
  auto own = route();
  config_->delivery.concurrency = 7;
  courier_->locate({address("x@a.test").host(), own},
                   [&](queue::Located site) { located = std::move(site); });
  EXPECT_EQ((*located)->name, "pipe:/bin/cat");
  EXPECT_EQ((*located)->concurrency, 7u);
  own->concurrency = 2;
  courier_->locate({address("x@a.test").host(), own},
                   [&](queue::Located site) { located = std::move(site); });
  EXPECT_EQ((*located)->name, "pipe:/bin/cat (route *)");
  EXPECT_EQ((*located)->concurrency, 2u);
}

TEST(PipeExit, IsReadAsSysexitsSays) {
  const auto read = [](int code) {
    const mail::Outcome outcome = outcome_of_exit(code, "");
    return std::string(to_string(outcome.action)) + ' ' + std::to_string(outcome.reply.code) + ' ' +
           outcome.reply.enhanced->to_string();
  };
  EXPECT_EQ(read(0), "delivered 250 2.0.0");
  for (const int code : {64, 66, 69, 70, 72}) EXPECT_EQ(read(code), "failed 554 5.3.0") << code;
  EXPECT_EQ(read(65), "failed 554 5.6.0");
  EXPECT_EQ(read(67), "failed 550 5.1.1");
  EXPECT_EQ(read(68), "failed 550 5.1.2");
  EXPECT_EQ(read(76), "failed 554 5.5.0");
  EXPECT_EQ(read(77), "failed 554 5.7.0");
  EXPECT_EQ(read(78), "failed 554 5.3.5");
  for (const int code : {71, 73, 74, 75, 1, 63, 79, 127, 255})
    EXPECT_EQ(read(code), "deferred 451 4.3.0") << code;
  EXPECT_EQ(outcome_of_exit(9, "why").reply.text, "the program for this address: ended with code 9: why");
}

}  // namespace
}  // namespace postrider::deliver
