#include "sys/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>

#include "base/time.hpp"

namespace postrider::sys::log {
namespace {

constinit std::atomic<Format> format_setting{Format::logfmt};
constinit std::atomic<Level> lowest_setting{Level::info};

// Whole lines in one write each, so that threads (and processes on one pipe) don't mix. Never destroyed: the
// last lines come from the destructors of statics.
spdlog::sinks::stderr_sink_mt& sink() {
  static auto* const instance = [] {
    auto* made = new spdlog::sinks::stderr_sink_mt();
    made->set_pattern("%v");
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void configure(Format format, Level lowest) {
  format_setting = format;
  lowest_setting = lowest;
}

bool writes(Level level) { return level >= lowest_setting.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!writes(level)) return;
  const auto now = std::chrono::floor<base::Milliseconds>(std::chrono::system_clock::now());
  const std::string line =
      render(format_setting.load(std::memory_order_relaxed), base::to_rfc3339(now), level, event, fields);
  sink().log(spdlog::details::log_msg(spdlog::string_view_t{}, spdlog_level(level), line));
}

}  // namespace postrider::sys::log
