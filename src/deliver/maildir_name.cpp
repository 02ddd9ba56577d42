#include "deliver/maildir_name.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>

#include "base/ascii.hpp"

namespace postrider::deliver {
namespace {

// "/" would be a path, ":" begins the flags, "," the sizes.
std::string escaped(std::string_view hostname) {
  std::string out;
  for (const char c : hostname) {
    if (c == '/' || c == ':' || c == ',') {
      out += fmt::format("\\{:03o}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string unique_name(const sys::Clock& clock, std::string_view hostname) {
  static std::atomic<std::uint64_t> count = 0;
  const auto time = clock.utc().time_since_epoch();
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - second).count();
  return fmt::format("{}.M{:06}P{}Q{}.{}", second.count(), micros, ::getpid(), ++count, escaped(hostname));
}

std::string with_sizes(std::string_view name, MaildirSizes sizes) {
  return fmt::format("{},S={},W={}", name, sizes.stored, sizes.wire);
}

std::optional<std::uint64_t> stored_size(std::string_view name) {
  const auto at = name.find(",S=");
  if (at == std::string_view::npos) return {};
  const std::string_view digits = name.substr(at + 3);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc{} || end == digits.data()) return {};
  return size;
}

std::optional<std::string> flags_suffix(std::string_view flags) {
  std::string sorted(flags);
  std::ranges::sort(sorted);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
  if (!std::ranges::all_of(sorted, [](char c) { return c >= 'A' && c <= 'Z'; })) return {};
  return ":2," + sorted;
}

std::optional<std::string> folder_directory(std::string_view folder) {
  if (folder.empty() || folder.size() > 200 || !base::is_utf8(folder)) return {};
  if (folder.front() == '.' || folder.back() == '.' || folder.find("..") != std::string_view::npos) return {};
  const auto bad = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 32 || c == 127; };
  if (std::ranges::any_of(folder, bad)) return {};
  return "." + std::string(folder);
}

}  // namespace postrider::deliver
