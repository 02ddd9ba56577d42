#include "sys/confine.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include "base/testing/temporary_folder.hpp"

// A sanitizer's build can't be confined, so there is nothing to be tested in it.
#ifndef POSTRIDER_SANITIZED

namespace postrider::sys {
namespace {

namespace fs = std::filesystem;

constexpr int kNotConfined = 250;

// What a child that does this ends with: its exit code, or 1000 and the signal.
int ending_of(const std::function<int()>& deed) {
  const pid_t child = fork();
  if (child == 0) _exit(deed());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
constexpr int kKilled = 1000 + SIGSYS;

// 0, or errno.
int result(long of_call) { return of_call < 0 ? errno : 0; }
int opened(const fs::path& path, int flags) { return result(open(path.c_str(), flags | O_CLOEXEC, 0600)); }

class Folders : public ::testing::Test {
 protected:
  void SetUp() override {
    if (landlock_abi() == 0) GTEST_SKIP() << "kernel without Landlock";
    for (const char* folder : {"inside", "inside/new", "inside/tmp", "readable", "outside"})
      fs::create_directory(top / folder);
    for (const char* file : {"inside/file", "readable/file", "outside/file"})
      std::ofstream(top / file) << "x";
  }

  int confined(const std::function<int()>& deed) const {
    return ending_of([&] {
      const FileRules rules{.read = {top / "readable", top / "missing"},
                            .write = {top / "inside"},
                            .write_file = {"/dev/null"}};
      return confine_files(rules) ? deed() : kNotConfined;
    });
  }
  const base::testing::TemporaryFolder temporary;
  const fs::path top = temporary.path();
};

TEST_F(Folders, OfOursAreFree) {
  EXPECT_EQ(confined([&] { return opened(top / "inside/file", O_RDWR | O_TRUNC); }), 0);
  EXPECT_EQ(confined([&] { return opened(top / "inside/made", O_WRONLY | O_CREAT); }), 0);
  EXPECT_EQ(confined([&] { return result(mkdir((top / "inside/folder").c_str(), 0700)); }), 0);
  EXPECT_EQ(confined([&] { return result(unlink((top / "inside/made").c_str())); }), 0);
  EXPECT_EQ(confined([&] { return opened("/dev/null", O_RDWR); }), 0);
}

TEST_F(Folders, TakeAMessageFromOneToTheOther) {
  std::ofstream(top / "inside/tmp/message") << "x";
  EXPECT_EQ(
      confined([&] {
        return result(rename((top / "inside/tmp/message").c_str(), (top / "inside/new/message").c_str()));
      }),
      0);
  EXPECT_TRUE(fs::exists(top / "inside/new/message"));
}

TEST_F(Folders, ThatMayBeReadCantBeChanged) {
  EXPECT_EQ(confined([&] { return opened(top / "readable/file", O_RDONLY); }), 0);
  EXPECT_EQ(confined([&] { return opened(top / "readable/file", O_WRONLY); }), EACCES);
  EXPECT_EQ(confined([&] { return opened(top / "readable/made", O_WRONLY | O_CREAT); }), EACCES);
}

TEST_F(Folders, OfOthersAreShut) {
  EXPECT_EQ(confined([&] { return opened(top / "outside/file", O_RDONLY); }), EACCES);
  EXPECT_EQ(confined([&] { return opened(top / "outside", O_RDONLY | O_DIRECTORY); }), EACCES);
  EXPECT_EQ(confined([&] { return opened("/etc/shadow", O_RDONLY); }), EACCES);
  EXPECT_EQ(confined([&] {
              return result(rename((top / "inside/file").c_str(), (top / "outside/stolen").c_str()));
            }),
            EACCES);
}

TEST_F(Folders, HoldNoProgram) {
  fs::copy("/bin/true", top / "inside/true");
  char* arguments[] = {nullptr, nullptr};
  const auto run = [&](const fs::path& program) {
    std::string name = program;
    arguments[0] = name.data();
    return result(execv(name.c_str(), arguments));
  };
  EXPECT_EQ(confined([&] { return run("/bin/true"); }), EACCES);
  EXPECT_EQ(confined([&] { return run(top / "inside/true"); }), EACCES);
}

TEST_F(Folders, HoldForThreadsThatAreStartedLater) {
  EXPECT_EQ(confined([&] {
              int error = 0;
              std::thread([&] { error = opened(top / "outside/file", O_RDONLY); }).join();
              return error;
            }),
            EACCES);
}

class Calls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_seccomp()) GTEST_SKIP() << "kernel without seccomp";
  }
  static int confined(const std::function<int()>& deed, Programs programs = Programs::none) {
    return ending_of([&] { return confine_calls(programs) ? deed() : kNotConfined; });
  }
};

int run_true() {
  char name[] = "/bin/true";
  char* arguments[] = {name, nullptr};
  return result(execv(name, arguments));
}

TEST_F(Calls, OfAServerGoOn) {
  EXPECT_EQ(confined([] {
              int done = 0;
              std::thread([&] { done = result(socket(AF_INET6, SOCK_STREAM, 0)); }).join();
              return done;
            }),
            0);
  EXPECT_EQ(confined([] { return result(kill(getpid(), 0)); }), 0);
  EXPECT_EQ(confined([] { return result(inotify_init1(IN_CLOEXEC)); }), 0);
  EXPECT_EQ(confined([]() -> int { abort(); }), 1000 + SIGABRT);
}

TEST_F(Calls, OfAnIntruderEndTheProcess) {
  EXPECT_EQ(confined(run_true), kKilled);
  EXPECT_EQ(confined([] { return result(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }), kKilled);
  EXPECT_EQ(confined([] { return result(mount("none", "/mnt", "tmpfs", 0, nullptr)); }), kKilled);
  EXPECT_EQ(confined([] { return result(syscall(SYS_setuid, 0)); }), kKilled);
  EXPECT_EQ(confined([] { return result(syscall(SYS_io_uring_setup, 1, nullptr)); }), kKilled);
  EXPECT_EQ(confined([] {
              std::thread([] { run_true(); }).join();  // all of it, not only the thread
              return 0;
            }),
            kKilled);
}

TEST_F(Calls, ThatAreNotOursFailAsOnAnOldKernel) {
  EXPECT_EQ(confined([] { return result(fork()); }), ENOSYS);
  EXPECT_EQ(confined([] { return result(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }), ENOSYS);
  EXPECT_EQ(confined([] { return result(kill(getppid(), 0)); }), ENOSYS);
  EXPECT_EQ(confined([] { return result(socket(AF_PACKET, SOCK_RAW, 0)); }), ENOSYS);
  EXPECT_EQ(confined([] { return result(symlink("/etc", "/tmp/confine-link")); }), ENOSYS);
}

TEST_F(Calls, MakeNoMemoryThatIsWrittenAndExecuted) {
  const auto mapped = [](int protection) {
    return [protection] {
      return mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
    };
  };
  EXPECT_EQ(confined(mapped(PROT_READ | PROT_WRITE)), 0);
  EXPECT_EQ(confined(mapped(PROT_READ | PROT_WRITE | PROT_EXEC)), ENOSYS);
  EXPECT_EQ(confined([] {
              void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
            }),
            ENOSYS);
}

TEST_F(Calls, OfProgramsThatAreStartedAreTheirOwnBusiness) {
  EXPECT_EQ(confined(run_true, Programs::started), 0);
  EXPECT_EQ(confined([] { return ending_of([] { return 7; }); }, Programs::started), 7);
  EXPECT_EQ(confined([] { return result(mount("none", "/mnt", "tmpfs", 0, nullptr)); }, Programs::started),
            EPERM);
}

}  // namespace
}  // namespace postrider::sys

#endif
