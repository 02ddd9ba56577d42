#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <thread>

#include "admin/control_client.hpp"
#include "admin/control_server.hpp"
#include "admin/testing/fake_desk.hpp"
#include "admin/unix_socket.hpp"
#include "base/testing/temporary_folder.hpp"

namespace postrider::admin {
namespace {

using testing::FakeDesk;
using testing::row;

constexpr auto kPatience = std::chrono::seconds(20);  // only a broken test waits so long

class Control : public ::testing::Test {
 protected:
  std::unique_ptr<ControlServer> start(const std::filesystem::path& at) {
    auto server = ControlServer::start(at, desk);
    EXPECT_TRUE(server) << server.error().text;
    return server ? std::move(*server) : nullptr;
  }
  static int mode(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : -1;
  }

  const base::testing::TemporaryFolder temporary;
  const std::filesystem::path folder = temporary.path();
  FakeDesk desk;
};

// A connection that says what it wants.
struct Raw {
  explicit Raw(const std::filesystem::path& runtime_dir) : socket(connect_unix(control_path(runtime_dir))) {}
  std::string say(std::string_view bytes) {
    EXPECT_EQ(lines.write(bytes, kPatience), LineEnd::line);
    return hear();
  }
  std::string hear() {
    std::string line;
    return lines.read(line, 1 << 20, kPatience) == LineEnd::line ? line : "closed";
  }
  std::expected<Descriptor, int> socket;
  Lines lines{socket ? socket->get() : -1, -1};
};

TEST_F(Control, AnswersRequestsOfOneConnectionInTheirOrder) {
  const auto server = start(folder / "run");
  EXPECT_EQ(mode(folder / "run"), 0700);
  EXPECT_EQ(mode(folder / "run/control"), 0600);
  Raw raw(folder / "run");
  EXPECT_EQ(raw.say("{\"do\":\"destinations\",\"site\":\"x\"}\nnonsense\n"),
            R"({"destinations":[],"not_told":0})");
  EXPECT_TRUE(raw.hear().starts_with(R"({"error":{"code":"5.5.2")"));
  EXPECT_TRUE(raw.say("{\"do\":\"sites\"}\n").starts_with(R"({"sites":[{"site":"mx.example.test")"));
}

TEST_F(Control, WorksInAFolderWhosePathIsTooLongForASocket) {
  const auto deep = folder / std::string(200, 'x') / "run";
  const auto server = start(deep);
  EXPECT_EQ(mode(deep / "control"), 0600);
  const auto sites = ControlClient(deep).ask(SitesRequest{});
  ASSERT_TRUE(sites) << sites.error().text;
  EXPECT_EQ(sites->at("sites").as_array().size(), 1u);
}

TEST_F(Control, RemovesItsSocketAtTheEndAndTheClientSaysThatNobodyAnswers) {
  start(folder).reset();
  EXPECT_FALSE(std::filesystem::exists(folder / "control"));
  const auto nobody = ControlClient(folder).ask(SitesRequest{});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().text, "no server answers at " + (folder / "control").string() +
                                     ": is it running? queue list --offline reads a stopped server's spool");
}

TEST_F(Control, ReplacesTheSocketOfAServerThatIsGone) {
  {
    const auto dead = listen_unix(folder / "control");
  }  // closed, and left behind
  ASSERT_TRUE(std::filesystem::exists(folder / "control"));
  const auto server = start(folder);
  EXPECT_TRUE(ControlClient(folder).ask(SitesRequest{}));
}

TEST_F(Control, LeavesTheSocketOfAnotherServerAlone) {
  const auto first = start(folder);
  const auto second = ControlServer::start(folder, desk);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text,
            "no control socket at " + (folder / "control").string() + ": another server answers there");
  EXPECT_TRUE(ControlClient(folder).ask(SitesRequest{}));
}

TEST_F(Control, DoesNotRemoveTheSocketThatAnotherServerPutInItsPlace) {
  auto first = start(folder);
  std::filesystem::remove(folder / "control");
  const auto second = start(folder);
  first.reset();
  EXPECT_TRUE(ControlClient(folder).ask(SitesRequest{}));
}

TEST_F(Control, RefusesAFolderInWhichOthersMayWrite) {
  ASSERT_EQ(::chmod(folder.c_str(), 0770), 0);
  const auto server = ControlServer::start(folder, desk);
  ASSERT_FALSE(server);
  EXPECT_TRUE(server.error().text.ends_with("others may write in the folder; chmod 0700 it"));
}

TEST_F(Control, TheSeventeenthConnectionIsRefusedUntilOneEnds) {
  const auto server = start(folder);
  std::vector<std::unique_ptr<Raw>> all;
  for (int i = 0; i < 16; ++i) {
    all.push_back(std::make_unique<Raw>(folder));
    ASSERT_NE(all.back()->say("{\"do\":\"sites\"}\n"), "closed");
  }
  EXPECT_EQ(
      Raw(folder).hear(),
      R"({"error":{"code":"4.3.2","permanent":false,"text":"too many control connections; try again later"}})");
  EXPECT_EQ(ControlClient(folder).ask(SitesRequest{}).error().text,
            "too many control connections; try again later");
  ::shutdown(all[3]->socket->get(), SHUT_RDWR);
  all.erase(all.begin() + 3);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  bool answered = false;
  while (!answered && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
    answered = ControlClient(folder).ask(SitesRequest{}).has_value();
  }
  EXPECT_TRUE(answered);
}

TEST_F(Control, ALineLongerThanAMebibyteEndsTheConnection) {
  const auto server = start(folder);
  Raw raw(folder);
  std::string line(1 << 20, ' ');
  line.replace(0, 13, R"({"do":"sites")");
  line.back() = '}';
  EXPECT_TRUE(raw.say(line + '\n').starts_with(R"({"sites":)"));
  raw.lines.write(line + "  ", kPatience);
  EXPECT_EQ(raw.hear(),
            R"({"error":{"code":"5.5.4","permanent":true,"text":"a request has at most 1 MiB"}})");
  EXPECT_EQ(raw.hear(), "closed");
}

TEST_F(Control, StopsWhileConnectionsAreOpenAndOneIsBeingAnswered) {
  std::promise<void> asked, go;
  desk.before_list = [&] {
    asked.set_value();
    go.get_future().wait();
  };
  auto server = start(folder);
  Raw idle(folder), half(folder), busy(folder);
  idle.say("{\"do\":\"sites\"}\n");
  half.lines.write("{\"do\":", kPatience);
  busy.lines.write("{\"do\":\"list\"}\n", kPatience);
  asked.get_future().wait();
  std::thread stopping([&] { server.reset(); });
  EXPECT_EQ(idle.hear(), "closed");
  EXPECT_EQ(half.hear(), "closed");
  go.set_value();
  EXPECT_EQ(busy.hear(), R"({"rows":[],"next":null})");
  stopping.join();
}

TEST_F(Control, AChangeOfManyGoesThroughInPages) {
  for (int i = 1; i <= 2500; ++i) desk.rows.push_back(row(i, 0));
  const auto server = start(folder);
  const ControlClient client(folder);
  ChangeRequest request{.change = queue::Change::retry, .selection = {}, .after = {}, .reason = {}};
  std::vector<std::int64_t> changed;
  for (;;) {
    const auto said = client.ask(request);
    ASSERT_TRUE(said) << said.error().text;
    changed.push_back(said->at("changed").as_int64());
    if (said->at("next").is_null()) break;
    const std::string_view next = said->at("next").as_string();
    request.after = store::RecipientId{*base::MessageId::parse(next.substr(0, 13)), 0};
  }
  EXPECT_EQ(changed, (std::vector<std::int64_t>{999, 999, 499}));  // one of each page is busy
}

}  // namespace
}  // namespace postrider::admin
