// Runs a program: never by a shell, with a clean environment, in a process group of its own, for so long.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "deliver/files.hpp"

namespace postrider::deliver {

// Who it runs as, and what it is told of that user.
struct ProgramUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name, home, shell;
  bool change = false;  // from who we are; needs root
};
// For the user `name`, empty: who we are, where our effective user is `self`. The error is for the operator: no such
// user, root, or a user that we can't become. Blocking.
std::expected<ProgramUser, std::string> program_user(const std::string& name, uid_t self);

inline constexpr std::chrono::seconds kProgramGrace{5};
inline constexpr std::size_t kProgramOutput = 4096;

struct ProgramOptions {
  std::string program;                   // absolute
  std::vector<std::string> arguments;    // behind the program's name
  std::vector<std::string> environment;  // all of it: "NAME=value"
  ProgramUser user;
  base::Milliseconds time_limit{std::chrono::minutes(5)};
  base::Milliseconds grace{kProgramGrace};  // from SIGTERM to SIGKILL
  int stop = -1;  // a descriptor that becomes readable when programs are to be ended
};

enum class ProgramEnding : std::uint8_t {
  exited,   // `code` is its exit code
  killed,   // by a signal, `code`, that we did not send
  late,     // at its time limit
  stopped,  // by `stop`, or by kill()
};

struct ProgramEnd {
  ProgramEnding how = ProgramEnding::exited;
  int code = 0;
  std::string output;  // the first kProgramOutput octets of standard output and standard error, as they came
};

// One thread at a time. Blocking, each call at most until the time limit; then, and when it is stopped, the whole process
// group gets SIGTERM and, `grace` later, SIGKILL.
class Program {
 public:
  // It has begun to run when this returns. The error: an errno value, of fork, of becoming the user or of exec.
  static Tried<Program> start(const ProgramOptions& options);
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;
  ~Program();  // kill()

  // To its standard input, all of it. EPIPE: it takes no more, which is no fault; ETIMEDOUT, ECANCELED: see end().
  Tried<void> write(std::string_view bytes);
  // Closes its standard input, unless a write came to no end, and waits for its end. Descendants of its own that live on
  // are left alone.
  ProgramEnd end();
  // At once. Its standard input stays open till it is gone, so that half a message is not taken for a whole one.
  ProgramEnd kill();

 private:
  enum class Woken : std::uint8_t { by_event, ended, late, stopped };

  Program(pid_t pid, Handle process, Handle input, Handle output, const ProgramOptions& options);
  enum class For : std::uint8_t { its_end, room_to_write };
  Woken wait(base::SteadyTime until, int stop, For what);
  bool is_gone(std::chrono::milliseconds within);
  void read_output();
  ProgramEnd end_group(ProgramEnding how, std::chrono::milliseconds grace);
  ProgramEnd reap(std::optional<ProgramEnding> how);

  pid_t pid_;
  Handle process_, input_, output_;
  int stop_;
  base::Milliseconds grace_;
  base::SteadyTime deadline_;
  bool half_ = false;  // a write came to no end
  std::string seen_;
};

}  // namespace postrider::deliver
