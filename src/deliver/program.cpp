#include "deliver/program.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace postrider::deliver {
namespace {

constexpr rlim_t kDescriptors = 1024;

struct Pipe {
  Handle read, write;
};

Tried<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(errno);
  return Pipe{Handle(ends[0]), Handle(ends[1])};
}

void set_nonblocking(const Handle& handle) {
  fcntl(handle.get(), F_SETFL, fcntl(handle.get(), F_GETFL) | O_NONBLOCK);
}

// All that the child needs, made before the fork: between fork and exec it may only make calls that are safe in a signal
// handler, as another thread may have held any lock, the allocator's too.
struct ChildPlan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const ProgramUser* user;
  int input, output, error;
};

bool become(const ProgramUser& user) {
  if (!user.change) return true;
  // Not by the C library: its functions have all threads change, by signals and locks.
  return syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
         syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

void reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  setsid();
  reset_signals();
  umask(077);
  // The server's own limit is high; a program that walks through all of them, or uses select(), expects this one.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > kDescriptors) {
    files.rlim_cur = kDescriptors;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  const bool ready = dup2(plan.input, 0) == 0 && dup2(plan.output, 1) == 1 && dup2(plan.output, 2) == 2 &&
                     chdir("/") == 0 && become(*plan.user);
  if (ready) {
    // Also of descriptors that a library opened without it.
    syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    execve(plan.program, plan.arguments, plan.environment);
  }
  const int why = errno;
  [[maybe_unused]] const auto told = write(plan.error, &why, sizeof why);
  _exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

// 0: it runs the program now.
int child_error(const Handle& pipe) {
  int error = 0;
  ssize_t got = 0;
  do got = ::read(pipe.get(), &error, sizeof error);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

std::optional<passwd> find_user(const std::string& name, uid_t self, std::vector<char>& memory) {
  passwd entry{};
  passwd* found = nullptr;
  memory.resize(65536);
  if (name.empty())
    getpwuid_r(self, &entry, memory.data(), memory.size(), &found);
  else
    getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found);
  if (found == nullptr) return {};
  return entry;
}

std::vector<gid_t> groups_of(const std::string& name, gid_t group) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(name.c_str(), group, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    getgrouplist(name.c_str(), group, groups.data(), &count);
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

std::expected<ProgramUser, std::string> program_user(const std::string& name, uid_t self) {
  std::vector<char> memory;
  const auto entry = find_user(name, self, memory);
  if (!entry && !name.empty()) return std::unexpected("there is no user " + name);
  const uid_t uid = entry ? entry->pw_uid : self;
  if (uid == 0) return std::unexpected("a program must not run as root: the route needs a user");
  ProgramUser user{.uid = uid, .gid = 0, .groups = {}, .name = {}, .home = "/", .shell = "/bin/sh"};
  if (entry) {
    user.gid = entry->pw_gid;
    user.name = entry->pw_name;
    user.home = entry->pw_dir;
    if (*entry->pw_shell != '\0') user.shell = entry->pw_shell;
  }
  if (uid == self) return user;
  if (self != 0)
    return std::unexpected("only root can run a program as " + name + ", and the server is not root");
  user.change = true;
  user.groups = groups_of(user.name, user.gid);
  return user;
}

Tried<Program> Program::start(const ProgramOptions& options) {
  auto input = make_pipe();
  auto output = make_pipe();
  auto error = make_pipe();
  for (const auto* pipe : {&input, &output, &error})
    if (!*pipe) return std::unexpected(pipe->error());
  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.program);
  std::vector<std::string> environment = options.environment;
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  const ChildPlan plan{.program = options.program.c_str(),
                       .arguments = argument_pointers.data(),
                       .environment = environment_pointers.data(),
                       .user = &options.user,
                       .input = input->read.get(),
                       .output = output->write.get(),
                       .error = error->write.get()};
  const pid_t pid = fork();
  if (pid < 0) return std::unexpected(errno);
  if (pid == 0) run_child(plan);
  Handle process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  int failed = process ? 0 : errno;
  error->write.close();
  if (failed == 0) failed = child_error(error->read);
  if (failed != 0) {
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return std::unexpected(failed);
  }
  set_nonblocking(input->write);
  set_nonblocking(output->read);
  return Program(pid, std::move(process), std::move(input->write), std::move(output->read), options);
}

Program::Program(pid_t pid, Handle process, Handle input, Handle output, const ProgramOptions& options)
    : pid_(pid),
      process_(std::move(process)),
      input_(std::move(input)),
      output_(std::move(output)),
      stop_(options.stop),
      grace_(options.grace),
      deadline_(std::chrono::steady_clock::now() + options.time_limit) {}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      process_(std::move(other.process_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      stop_(other.stop_),
      grace_(other.grace_),
      deadline_(other.deadline_),
      half_(other.half_),
      seen_(std::move(other.seen_)) {}

Program::~Program() {
  if (pid_ > 0) kill();
}

// Until it ends, or wants something of us. A descriptor that is closed (-1) is passed over.
Program::Woken Program::wait(base::SteadyTime until, int stop, For what) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  std::array<pollfd, 4> watched{{{process_.get(), POLLIN, 0},
                                 {stop, POLLIN, 0},
                                 {output_.get(), POLLIN, 0},
                                 {what == For::room_to_write ? input_.get() : -1, POLLOUT, 0}}};
  // Also where no time is left: what has ended by then has ended in time.
  const int ready =
      poll(watched.data(), watched.size(), static_cast<int>(std::clamp<long>(left, 0, 3600 * 1000)));
  if (ready < 0) return Woken::by_event;  // EINTR
  if (watched[2].revents != 0) read_output();
  if (watched[0].revents != 0) return Woken::ended;
  if (watched[1].revents != 0) return Woken::stopped;
  return left <= 0 ? Woken::late : Woken::by_event;
}

void Program::read_output() {
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(output_.get(), piece.data(), piece.size());
    if (got > 0) {
      seen_.append(piece.data(), std::min(static_cast<std::size_t>(got), kProgramOutput - seen_.size()));
      // One that writes without end must not keep us from looking at the clock.
      if (static_cast<std::size_t>(got) == piece.size()) return;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return output_.close();
    } else if (errno == EAGAIN) {
      return;
    }
  }
}

Tried<void> Program::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(input_.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(errno);
    const Woken woken = wait(deadline_, stop_, For::room_to_write);
    if (woken == Woken::ended) return std::unexpected(EPIPE);
    half_ = woken != Woken::by_event;
    if (half_) return std::unexpected(woken == Woken::late ? ETIMEDOUT : ECANCELED);
  }
  return {};
}

ProgramEnd Program::end() {
  if (!half_) input_.close();
  for (;;) {
    switch (wait(deadline_, stop_, For::its_end)) {
      case Woken::by_event:
        break;
      case Woken::ended:
        return reap({});
      case Woken::late:
        return end_group(ProgramEnding::late, grace_);
      case Woken::stopped:
        return end_group(ProgramEnding::stopped, grace_);
    }
  }
}

ProgramEnd Program::kill() { return end_group(ProgramEnding::stopped, std::chrono::milliseconds(0)); }

bool Program::is_gone(std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  for (;;) {
    const Woken woken = wait(until, -1, For::its_end);
    if (woken == Woken::ended) return true;
    if (woken == Woken::late) return false;
  }
}

ProgramEnd Program::end_group(ProgramEnding how, std::chrono::milliseconds grace) {
  if (grace.count() > 0) {
    ::kill(-pid_, SIGTERM);
    is_gone(grace);
  }
  // Before it is reaped: till then nobody else can have its number.
  ::kill(-pid_, SIGKILL);
  return reap(how);
}

ProgramEnd Program::reap(std::optional<ProgramEnding> how) {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (output_) read_output();
  ProgramEnd end{.how = ProgramEnding::exited, .code = 0, .output = std::move(seen_)};
  if (WIFSIGNALED(status)) {
    end.how = ProgramEnding::killed;
    end.code = WTERMSIG(status);
  } else {
    end.code = WEXITSTATUS(status);
  }
  if (how) end.how = *how;
  return end;
}

}  // namespace postrider::deliver
