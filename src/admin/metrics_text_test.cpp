#include "admin/metrics_text.hpp"

#include <gmock/gmock.h>

#include "sys/metrics.hpp"

namespace postrider::admin {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;

TEST(MetricsText, IsWhatPrometheusReads) {
  sys::Counters logins("t_logins_total", "Of \"tests\"", {{"how", {"a\"b", "c"}}});
  logins.add(3, 0);
  sys::Gauges there("t_there", "There.");
  there.add(-2);
  EXPECT_THAT(metrics_text(), HasSubstr("# HELP t_logins_total Of \"tests\"\n# TYPE t_logins_total counter\n"
                                        "t_logins_total{how=\"a\\\"b\"} 3\nt_logins_total{how=\"c\"} 0\n"));
  EXPECT_THAT(metrics_text(), HasSubstr("# TYPE t_there gauge\nt_there -2\n"));
}

TEST(MetricsText, AHistogramsBucketsHoldThoseBeforeThem) {
  sys::Durations took("t_took_seconds", "Took.", {microseconds(1000), microseconds(500'000)});
  for (const auto one :
       {microseconds(500), microseconds(600), microseconds(250'000), microseconds(2'000'000)})
    took.observe(one);
  EXPECT_THAT(metrics_text(), HasSubstr("# TYPE t_took_seconds histogram\nt_took_seconds_count 4\n"
                                        "t_took_seconds_sum 2.2511\n"
                                        "t_took_seconds_bucket{le=\"0.001\"} 2\n"
                                        "t_took_seconds_bucket{le=\"0.5\"} 3\n"
                                        "t_took_seconds_bucket{le=\"+Inf\"} 4\n"));
}

}  // namespace
}  // namespace postrider::admin
