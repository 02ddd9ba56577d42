#include "sys/metrics.hpp"

#include <algorithm>
#include <mutex>

namespace postrider::sys {
namespace {

struct Known {
  std::mutex mutex;
  std::vector<const Metric*> all;
};
Known& known() {
  static Known one;
  return one;
}

constexpr std::size_t kLine = 64 / sizeof(std::int64_t);

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::size_t combinations(const std::vector<MetricLabel>& labels) {
  std::size_t count = 1;
  for (const auto& label : labels) count *= label.values.size();
  return count;
}

}  // namespace

std::vector<MetricFamily> collect_metrics() {
  std::vector<MetricFamily> all;
  {
    // Held while they are asked: none goes meanwhile.
    std::lock_guard lock(known().mutex);
    for (const Metric* metric : known().all) all.push_back(metric->collect());
  }
  std::ranges::sort(all, {}, &MetricFamily::name);
  return all;
}

Metric::~Metric() { forget(); }

void Metric::announce() {
  std::lock_guard lock(known().mutex);
  known().all.push_back(this);
}

void Metric::forget() {
  std::lock_guard lock(known().mutex);
  std::erase(known().all, this);
}

MetricCells::MetricCells(std::size_t count)
    : stride_((count + kLine - 1) / kLine * kLine), cells_(std::make_unique<Cell[]>(stride_ * kShards)) {}

MetricCells::Cell* MetricCells::shard() const {
  static std::atomic<std::size_t> next = 0;
  thread_local const std::size_t ours = next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return &cells_[ours * stride_];
}

std::int64_t MetricCells::sum(std::size_t place) const {
  std::int64_t all = 0;
  for (std::size_t shard = 0; shard < kShards; ++shard)
    all += cells_[shard * stride_ + place].load(std::memory_order_relaxed);
  return all;
}

Numbers::Numbers(MetricKind kind, std::string name, std::string help, std::vector<MetricLabel> labels)
    : Metric(std::move(name), std::move(help)),
      kind_(kind),
      labels_(std::move(labels)),
      count_(combinations(labels_)),
      cells_(count_) {
  announce();
}

std::size_t Numbers::place_of(const std::size_t* places, std::size_t count) const {
  if (count != labels_.size()) return count_;
  std::size_t place = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (places[i] >= labels_[i].values.size()) return count_;
    place = place * labels_[i].values.size() + places[i];
  }
  return place;
}

MetricFamily Numbers::collect() const {
  MetricFamily out = family(kind_);
  for (const auto& label : labels_) out.labels.push_back(label.name);
  for (std::size_t place = 0; place < count_; ++place) {
    MetricFamily::Series series{.values = std::vector<std::string>(labels_.size()),
                                .value = static_cast<double>(cells_.sum(place))};
    std::size_t rest = place;
    for (std::size_t i = labels_.size(); i-- > 0; rest /= labels_[i].values.size())
      series.values[i] = labels_[i].values[rest % labels_[i].values.size()];
    out.series.push_back(std::move(series));
  }
  return out;
}

Durations::Durations(std::string name, std::string help, std::vector<std::chrono::microseconds> bounds)
    : Metric(std::move(name), std::move(help)), bounds_(std::move(bounds)), cells_(bounds_.size() + 2) {
  announce();
}

void Durations::observe(std::chrono::nanoseconds took) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), took);
  cells_.add(static_cast<std::size_t>(bound - bounds_.begin()), 1);
  cells_.add(bounds_.size() + 1, took.count());
}

MetricFamily Durations::collect() const {
  MetricFamily out = family(MetricKind::histogram);
  MetricFamily::Series series{.values = {},
                              .value = seconds(std::chrono::nanoseconds(cells_.sum(bounds_.size() + 1)))};
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    series.count += static_cast<std::uint64_t>(cells_.sum(i));
    series.buckets.push_back({.most = seconds(bounds_[i]), .count = series.count});
  }
  series.count += static_cast<std::uint64_t>(cells_.sum(bounds_.size()));
  out.series.push_back(std::move(series));
  return out;
}

Sampled::Sampled(MetricKind kind, std::string name, std::string help, std::string label, Values values)
    : Metric(std::move(name), std::move(help)),
      kind_(kind),
      label_(std::move(label)),
      values_(std::move(values)) {
  announce();
}

MetricFamily Sampled::collect() const {
  MetricFamily out = family(kind_);
  if (!label_.empty()) out.labels.push_back(label_);
  for (auto& [value, number] : values_())
    out.series.push_back(
        {.values = label_.empty() ? std::vector<std::string>{} : std::vector{value}, .value = number});
  return out;
}

}  // namespace postrider::sys
