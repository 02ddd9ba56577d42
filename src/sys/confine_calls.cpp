#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "sys/confine.hpp"

namespace postrider::sys {
namespace {

// Names that the library, or this processor, doesn't know are passed over.
constexpr const char* kAllowed[] = {
    // bytes
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2",
    "lseek", "_llseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "pipe", "pipe2",
    "sendfile", "sendfile64", "splice", "copy_file_range", "fsync", "fdatasync", "syncfs", "sync_file_range",
    "fallocate", "fadvise64", "ftruncate", "ftruncate64", "truncate", "flock",
    // files by name; Landlock and the file's mode decide which
    "open", "openat", "stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "fstatat64", "newfstatat",
    "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2", "getdents",
    "getdents64", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2",
    "link", "linkat", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "fchown",
    "utimensat", "umask", "getcwd", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    // memory, apart from what is executable
    "brk", "munmap", "mremap", "madvise", "mincore", "mlock", "munlock", "msync", "membarrier",
    // threads
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "exit", "exit_group", "gettid",
    "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "getcpu",
    // signals
    "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sigaltstack", "restart_syscall", "pause",
    // sockets
    "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "setsockopt",
    "getsockopt", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "shutdown",
    "socketpair",
    // waiting and time
    "poll", "ppoll", "select", "_newselect", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "timerfd_create", "timerfd_settime",
    "timerfd_gettime", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday",
    "time",
    // about itself
    "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "capget", "getrlimit", "getrusage", "times", "uname", "sysinfo", "getrandom"};

// An intruder's: nothing in a mail server calls these.
constexpr const char* kHostile[] = {"ptrace",
                                    "process_vm_readv",
                                    "process_vm_writev",
                                    "process_madvise",
                                    "pidfd_getfd",
                                    "kcmp",
                                    "mount",
                                    "umount",
                                    "umount2",
                                    "move_mount",
                                    "open_tree",
                                    "fsopen",
                                    "fsconfig",
                                    "fsmount",
                                    "fspick",
                                    "mount_setattr",
                                    "pivot_root",
                                    "chroot",
                                    "setns",
                                    "unshare",
                                    "init_module",
                                    "finit_module",
                                    "delete_module",
                                    "kexec_load",
                                    "kexec_file_load",
                                    "bpf",
                                    "perf_event_open",
                                    "keyctl",
                                    "add_key",
                                    "request_key",
                                    "userfaultfd",
                                    "swapon",
                                    "swapoff",
                                    "reboot",
                                    "sethostname",
                                    "setdomainname",
                                    "settimeofday",
                                    "clock_settime",
                                    "adjtimex",
                                    "clock_adjtime",
                                    "acct",
                                    "quotactl",
                                    "quotactl_fd",
                                    "iopl",
                                    "ioperm",
                                    "modify_ldt",
                                    "open_by_handle_at",
                                    "syslog",
                                    "vhangup",
                                    "nfsservctl",
                                    "io_uring_setup",
                                    "io_uring_enter",
                                    "io_uring_register"};

// As hostile where nothing is started.
constexpr const char* kOfPrograms[] = {"execve",    "execveat", "fork",     "vfork",     "setuid",
                                       "setgid",    "setreuid", "setregid", "setresuid", "setresgid",
                                       "setgroups", "setfsuid", "setfsgid", "capset",    "personality",
                                       "mknod",     "mknodat"};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

enum class Audit : int { silent = 0, refusals = 1 };

// Remembers the first failure, so that a list is a list.
class Filter {
 public:
  Filter(std::uint32_t otherwise, Audit audit) : filter_(seccomp_init(otherwise)) {
    if (!filter_) error_ = ENOMEM;
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    // Kernels before 5.16 would make each thread slower against others' guesses: this process runs no code of others.
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_SSB, 1));
    // Each refusal to the kernel's audit log, not only the deaths.
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_LOG, static_cast<std::uint32_t>(audit)));
    // A binary tree instead of a chain: some comparisons for each call, not a hundred.
    note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }

  template <class... Conditions>
  void add(std::uint32_t action, const char* name, Conditions... conditions) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR || call < 0) return;
    note(seccomp_rule_add(filter_.get(), action, call, sizeof...(conditions), conditions...));
    if (name != last_) ++calls_;
    last_ = name;
  }

  // Programs of 32 bits, which make other calls. Before the rules.
  void know_32_bit() {
#ifdef __x86_64__
    note(seccomp_arch_add(filter_.get(), SCMP_ARCH_X86));
#endif
  }
  std::size_t calls() const { return calls_; }

  // Gives `listed`.
  std::expected<std::size_t, std::string> load(std::size_t listed) {
    if (error_ == 0) note(seccomp_load(filter_.get()));
    if (error_ == 0) return listed;
    return std::unexpected(std::string("seccomp takes no filter: ") + std::strerror(error_));
  }

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }
  const std::unique_ptr<void, Release> filter_;
  std::size_t calls_ = 0;
  const char* last_ = nullptr;
  int error_ = 0;
};

constexpr scmp_datum_t datum(std::uint64_t value) { return value; }

scmp_arg_cmp is(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, datum(value), 0}; }

scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, datum(mask), datum(value)};
}

// Calls of which only some uses are harmless.
void allow_in_part(Filter& filter) {
  // Memory is never writable and executable. Libraries that are loaded later are mapped executable at once.
  filter.add(SCMP_ACT_ALLOW, "mmap", masked(2, PROT_EXEC, 0));
  filter.add(SCMP_ACT_ALLOW, "mmap", masked(2, PROT_EXEC | PROT_WRITE, PROT_EXEC));
  filter.add(SCMP_ACT_ALLOW, "mprotect", masked(2, PROT_EXEC, 0));
  // A thread, never a process.
  filter.add(SCMP_ACT_ALLOW, "clone", masked(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
  // Signals to itself only: abort() needs that.
  const auto self = static_cast<std::uint64_t>(getpid());
  filter.add(SCMP_ACT_ALLOW, "kill", is(0, self));
  filter.add(SCMP_ACT_ALLOW, "tgkill", is(0, self));
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})  // the last: getifaddrs()
    filter.add(SCMP_ACT_ALLOW, "socket", is(0, static_cast<std::uint64_t>(family)));
  for (const std::uint64_t request : {FIONBIO, FIONREAD, TCGETS, FIOCLEX})
    filter.add(SCMP_ACT_ALLOW, "ioctl", is(1, request));
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_VMA})
    filter.add(SCMP_ACT_ALLOW, "prctl", is(0, static_cast<std::uint64_t>(option)));
  // Its limits may be read.
  filter.add(SCMP_ACT_ALLOW, "prlimit64", is(2, 0));
}

// The flags of clone3 are behind a pointer, where no filter looks: without it the C library takes clone. As it tries for
// each thread, this is a filter of its own, which tells nobody; of two filters the stricter answer counts.
std::expected<std::size_t, std::string> hide_clone3() {
  Filter filter(SCMP_ACT_ALLOW, Audit::silent);
  filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  return filter.load(1);
}

std::expected<std::size_t, std::string> allow_ours() {
  if (auto hidden = hide_clone3(); !hidden) return hidden;
  Filter filter(SCMP_ACT_ERRNO(ENOSYS), Audit::refusals);
  filter.add(SCMP_ACT_ALLOW, "clone3");
  for (const char* name : kAllowed) filter.add(SCMP_ACT_ALLOW, name);
  allow_in_part(filter);
  const std::size_t allowed = filter.calls() - 1;  // without clone3
  for (const char* name : kHostile) filter.add(SCMP_ACT_KILL_PROCESS, name);
  for (const char* name : kOfPrograms) filter.add(SCMP_ACT_KILL_PROCESS, name);
  return filter.load(allowed);
}

std::expected<std::size_t, std::string> refuse_hostile() {
  Filter filter(SCMP_ACT_ALLOW, Audit::refusals);
  filter.know_32_bit();
  for (const char* name : kHostile) filter.add(SCMP_ACT_ERRNO(EPERM), name);
  return filter.load(filter.calls());
}

}  // namespace

bool has_seccomp() { return seccomp_api_get() >= 3; }

std::expected<std::size_t, std::string> confine_calls(Programs programs) {
  return programs == Programs::none ? allow_ours() : refuse_hostile();
}

}  // namespace postrider::sys
