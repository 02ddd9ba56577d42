// A log line stays one line of printable UTF-8, whatever a stranger's bytes are.
#include "sys/log.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.hpp"

namespace {

using namespace postrider;

bool is_printable(std::string_view line) {
  return std::ranges::none_of(line,
                              [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F; }) &&
         base::is_utf8(line) && line.find("\xE2\x80\xA8") == line.npos &&
         line.find("\xE2\x80\xAE") == line.npos;
}

// Behind the opening quote: everything up to the last octet is one string, ended by that octet alone.
bool is_one_string(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return i + 1 == text.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto line =
      sys::log::render(sys::log::Format::logfmt, "t", sys::log::Level::info, "e", {{"k", value}});
  if (!is_printable(line)) __builtin_trap();
  constexpr std::string_view kHead = "ts=t level=info event=e k=";
  if (!line.starts_with(kHead)) __builtin_trap();
  const auto shown = std::string_view(line).substr(kHead.size());
  const bool quoted = shown.starts_with('"');
  if (quoted ? !is_one_string(shown.substr(1)) : shown != value || value.find(' ') != value.npos)
    __builtin_trap();

  const auto json = sys::log::render(sys::log::Format::json, "t", sys::log::Level::info, "e", {{"k", value}});
  constexpr std::string_view kJsonHead = R"({"ts":"t","level":"info","event":"e","k":")";
  if (!is_printable(json) || !json.starts_with(kJsonHead) || !json.ends_with("\"}")) __builtin_trap();
  if (!is_one_string(std::string_view(json).substr(kJsonHead.size(), json.size() - kJsonHead.size() - 1)))
    __builtin_trap();
  return 0;
}
