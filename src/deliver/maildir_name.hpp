// Names of files in a Maildir: unique on every host that shares it, and with the sizes in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sys/clock.hpp"

namespace postrider::deliver {

struct MaildirSizes {
  std::uint64_t stored = 0;  // S=: octets of the file
  std::uint64_t wire = 0;    // W=: octets with CRLF line ends
};

// "1800000000.M123456P4711Q1.mx.example.com": seconds, then microseconds, process and a count that never
// repeats in this process. Any thread.
std::string unique_name(const sys::Clock& clock, std::string_view hostname);
// "...,S=1024,W=1050"
std::string with_sizes(std::string_view name, MaildirSizes sizes);
// What ",S=" in a name says.
std::optional<std::uint64_t> stored_size(std::string_view name);
// "S" -> ":2,S": each letter once, in ASCII order; nothing where one is not A to Z.
std::optional<std::string> flags_suffix(std::string_view flags);
// Maildir++: "Lists.cpp" -> ".Lists.cpp". Nothing for a name that can't be one: empty parts, "/", control
// characters, ill-formed UTF-8, more than 200 octets.
std::optional<std::string> folder_directory(std::string_view folder);

}  // namespace postrider::deliver
