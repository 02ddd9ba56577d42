// What this process may still do from here on, and all that it starts: files by Landlock, system calls by seccomp. Neither
// can be taken back. Why these and no others: docs/security.md.
//
// Thread rule: to be called while the process has one thread, as the kernel confines the calling thread and those that
// it starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace postrider::sys {

// The sanitizers' own calls and files are their business: such a build can't be confined, and is told so.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define POSTRIDER_SANITIZED 1
#endif
#endif
#ifdef POSTRIDER_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Folders with all that is below, or single files. What does not exist is passed over.
struct FileRules {
  std::vector<std::filesystem::path> read;
  std::vector<std::filesystem::path> write;       // and read, make, rename and remove
  std::vector<std::filesystem::path> write_file;  // and read
};

// The kernel's version of Landlock; 0 where it has none that will do. The first version can't move a file from one folder
// to another, which a Maildir needs.
int landlock_abi();
// Nothing but `rules`, and no execution of any file. Requires landlock_abi() > 0. The error is for the operator.
std::expected<void, std::string> confine_files(const FileRules& rules);

enum class Programs : std::uint8_t {
  none,     // a list of calls is allowed and starting a program ends the process
  started,  // programs that are started inherit the filter and may need any call: a list of calls is refused
};
// Gives how many calls are on the list. A call that only an intruder makes ends the process by SIGSYS; any other that is not
// allowed fails with ENOSYS, which C libraries know from older kernels. The kernel's audit log names both.
std::expected<std::size_t, std::string> confine_calls(Programs programs);
// Whether the kernel can do it.
bool has_seccomp();

}  // namespace postrider::sys
