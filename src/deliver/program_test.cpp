#include "deliver/program.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/testing/temporary_folder.hpp"

namespace postrider::deliver {
namespace {

using std::chrono::milliseconds;
using ::testing::StartsWith;

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() { signal(SIGPIPE, SIG_IGN); }

  // Lines of sh, in this test's folder.
  Program start(const std::string& lines, milliseconds time_limit = milliseconds(20000)) {
    ProgramUser user;
    user.uid = geteuid();
    return Program::start({.program = "/bin/sh",
                           .arguments = {"-c", "cd " + folder_ + "; " + lines},
                           .environment = {},
                           .user = user,
                           .time_limit = time_limit,
                           .grace = milliseconds(300),
                           .stop = -1})
        .value();
  }
  std::string written(const std::string& name) const {
    std::ifstream file(folder_ + '/' + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // It was sent a SIGKILL, which takes a moment.
  bool dies(const std::string& number) const {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::string state = "R";
    while (std::chrono::steady_clock::now() < patience && !state.empty() && state != "Z" && state != "X") {
      std::ifstream stat("/proc/" + number + "/stat");
      std::string pid, name;
      state.clear();
      stat >> pid >> name >> state;
    }
    return state.empty() || state == "Z" || state == "X";
  }

  const base::testing::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(ProgramTest, WhatEndedBeforeWeLookedIsNotLate) {
  Program program = start("echo done; exit 3", milliseconds(0));
  // Another test's may have ended, too, and not been waited for yet.
  std::ifstream children("/proc/thread-self/children");
  for (pid_t child = 0; children >> child;) {
    siginfo_t info{};
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  }
  const ProgramEnd end = program.end();
  EXPECT_EQ(end.how, ProgramEnding::exited);
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.output, "done\n");
}

TEST_F(ProgramTest, TellsItsExitCodeAndWhatItWrote) {
  Program program = start("read line; echo \"got $line\"; echo more >&2; exit 3");
  ASSERT_TRUE(program.write("something\n"));
  const ProgramEnd end = program.end();
  EXPECT_EQ(end.how, ProgramEnding::exited);
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.output, "got something\nmore\n");
}

TEST_F(ProgramTest, HalfAMessageAtTheTimeLimitIsNotTakenForAWholeOne) {
  Program program =
      start("trap 'cat > mail; echo done > done; exit 0' TERM; sleep 1000 & wait", milliseconds(300));
  EXPECT_EQ(program.write(std::string(1 << 20, 'x')).error(), ETIMEDOUT);
  EXPECT_EQ(program.end().how, ProgramEnding::late);
  EXPECT_EQ(written("done"), "");
}

TEST_F(ProgramTest, EndsAllThatItStartedAlsoWhereTheyDoNotListen) {
  Program program = start("trap '' TERM; sleep 1000 & echo $! > child; wait", milliseconds(300));
  const ProgramEnd end = program.end();
  EXPECT_EQ(end.how, ProgramEnding::late);
  EXPECT_EQ(end.code, SIGKILL);
  EXPECT_TRUE(dies(written("child").substr(0, written("child").find('\n'))));
}

TEST_F(ProgramTest, DescendantsThatHoldItsOutputAreNotWaitedFor) {
  Program program = start("sleep 1000 & echo $! > child; exit 0");
  EXPECT_EQ(program.end().how, ProgramEnding::exited);
  ASSERT_EQ(kill(std::stoi(written("child")), SIGKILL), 0);
}

TEST_F(ProgramTest, IsEndedByItsDestructor) {
  {
    Program program = start("echo $$ > self; exec sleep 1000");
    while (!written("self").ends_with('\n')) {
    }
  }
  EXPECT_EQ(kill(std::stoi(written("self")), 0), -1);
}

TEST(ProgramUser, IsNeverRootAndChangesOnlyByRoot) {
  EXPECT_THAT(program_user("root", 0).error(), StartsWith("a program must not run as root"));
  EXPECT_THAT(program_user("", 0).error(), StartsWith("a program must not run as root"));
  EXPECT_THAT(program_user("root", 4242).error(), StartsWith("a program must not run as root"));
  EXPECT_EQ(program_user("nobody", 4242).error(),
            "only root can run a program as nobody, and the server is not root");
  const auto nobody = program_user("nobody", 0).value();
  EXPECT_TRUE(nobody.change);
  EXPECT_NE(nobody.uid, 0u);
  EXPECT_THAT(nobody.groups, ::testing::Contains(nobody.gid));
  EXPECT_FALSE(program_user("nobody", nobody.uid)->change);
  const auto nameless = program_user("", 424242).value();
  EXPECT_EQ(nameless.uid, 424242u);
  EXPECT_EQ(nameless.home, "/");
  EXPECT_FALSE(nameless.change);
}

}  // namespace
}  // namespace postrider::deliver
