#include "sys/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "sys/pool.hpp"

namespace postrider::sys {
namespace {

using std::chrono::microseconds;

std::optional<MetricFamily> find(const std::string& name) {
  for (auto& one : collect_metrics())
    if (one.name == name) return one;
  return {};
}

// "mx ok 3, mx failed 0"
std::string shown(const MetricFamily& family) {
  std::string out;
  for (const auto& series : family.series) {
    if (!out.empty()) out += ", ";
    for (const auto& value : series.values) out += value + ' ';
    out += std::to_string(static_cast<long>(series.value));
  }
  return out;
}

TEST(Metrics, EachCombinationOfLabelsIsANumberFromTheStart) {
  Counters logins("t_logins", "help", {{"mode", {"mx", "lmtp"}}, {"result", {"ok", "failed", "late"}}});
  enum class Result { ok, failed, late };
  logins.count(1, Result::failed);
  logins.add(5, 0, Result::late);
  const auto family = find("t_logins");
  ASSERT_TRUE(family);
  EXPECT_EQ(family->kind, MetricKind::counter);
  EXPECT_EQ(family->labels, (std::vector<std::string>{"mode", "result"}));
  EXPECT_EQ(shown(*family), "mx ok 0, mx failed 0, mx late 5, lmtp ok 0, lmtp failed 1, lmtp late 0");
}

TEST(Metrics, WhatNoLabelHasIsNotCountedAndHarmsNobody) {
  Counters logins("t_bounded", "help", {{"mode", {"mx", "lmtp"}}});
  logins.count(2);
  logins.count(static_cast<std::size_t>(-1));
  logins.count();
  logins.count(0, 0);
  EXPECT_EQ(shown(*find("t_bounded")), "mx 0, lmtp 0");
}

TEST(Metrics, ThreadsCountTogether) {
  Counters plain("t_threads", "help");
  Gauges there("t_there", "help");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 40; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < 1000; ++n) plain.count();
        there.add(1);
        if (i % 2) std::jthread([&] { there.add(-1); });
      });
  }
  EXPECT_EQ(shown(*find("t_threads")), "40000");
  EXPECT_EQ(shown(*find("t_there")), "20");
}

TEST(Metrics, DurationsAreSortedIntoBuckets) {
  Durations took("t_took", "help", {microseconds(100), microseconds(1000)});
  for (const auto one : {microseconds(1), microseconds(100), microseconds(101), microseconds(2'000'000)})
    took.observe(one);
  const auto series = find("t_took")->series.at(0);
  ASSERT_EQ(series.buckets.size(), 2u);
  EXPECT_EQ(series.buckets[0].most, 0.0001);
  EXPECT_EQ(series.buckets[0].count, 2u);
  EXPECT_EQ(series.buckets[1].count, 3u);
  EXPECT_EQ(series.count, 4u);
  EXPECT_NEAR(series.value, 2.000202, 1e-9);
}

TEST(Metrics, WhatIsSampledIsAskedForWhileItIsThere) {
  int asked = 0;
  {
    const Sampled sampled(MetricKind::gauge, "t_sampled", "help", "of", [&asked] {
      ++asked;
      return Sampled::Values::result_type{{"a", 1}, {"b", 2}};
    });
    EXPECT_EQ(shown(*find("t_sampled")), "a 1, b 2");
  }
  EXPECT_FALSE(find("t_sampled"));
  EXPECT_EQ(asked, 1);
}

TEST(Metrics, ComeInTheOrderOfTheirNames) {
  const Counters second("t_b", "help");
  const Counters first("t_a", "help");
  EXPECT_TRUE(std::ranges::is_sorted(collect_metrics(), {}, &MetricFamily::name));
}

TEST(Metrics, ShowPoolsOfOneNameTogether) {
  const Pool one({.name = "t-pool"});
  const Pool other({.name = "t-pool"});
  const auto waiting = find("postrider_pool_waiting");
  ASSERT_TRUE(waiting);
  EXPECT_NE(shown(*waiting).find("t-pool 0"), std::string::npos);
  EXPECT_EQ(std::ranges::count(waiting->series, "t-pool", [](const auto& each) { return each.values.at(0); }),
            1);
}

}  // namespace
}  // namespace postrider::sys
