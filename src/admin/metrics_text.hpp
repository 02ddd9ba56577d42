// The metrics as Prometheus reads them.
#pragma once

#include <string>

namespace postrider::admin {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// All that sys::collect_metrics() gives, in Prometheus' text format 0.0.4. Blocks for milliseconds: not on an I/O thread.
std::string metrics_text();

}  // namespace postrider::admin
