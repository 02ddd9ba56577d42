// The numbers that an operator's monitoring watches. Each room counts here what happens in it; admin/ shows all, and
// docs/metrics.md says what each means.
//
// Counting is one relaxed addition in a place that the thread shares with few others: no lock, no allocation. Names and labels
// are fixed when a metric is made, and each label has a fixed list of values: what others say never becomes one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postrider::sys {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

// As it is at one moment.
struct MetricFamily {
  struct Bucket {
    double most = 0;          // in it and all before it is nothing larger
    std::uint64_t count = 0;  // of these
  };
  struct Series {
    std::vector<std::string> values;  // one for each label
    double value = 0;                 // of a histogram: the sum
    std::uint64_t count = 0;          // of a histogram: of all that was observed
    std::vector<Bucket> buckets{};
  };
  std::string name, help;
  MetricKind kind = MetricKind::counter;
  std::vector<std::string> labels;
  std::vector<Series> series;
};

// All that there are now, by name. Blocks for what they ask to be told (see Sampled): not on an I/O thread.
std::vector<MetricFamily> collect_metrics();

struct MetricLabel {
  std::string name;
  std::vector<std::string> values;
};

// Known to collect_metrics() as long as it lives. No two have one name.
class Metric {
 public:
  Metric(std::string name, std::string help) : name_(std::move(name)), help_(std::move(help)) {}
  virtual ~Metric();
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;
  virtual MetricFamily collect() const = 0;

 protected:
  MetricFamily family(MetricKind kind) const { return {name_, help_, kind, {}, {}}; }
  // Last in the constructor, and first in the destructor, of who has what collect() uses.
  void announce();
  void forget();

 private:
  std::string name_, help_;
};

// Numbers to which each thread adds in a place of its own.
class MetricCells {
 public:
  explicit MetricCells(std::size_t count);
  void add(std::size_t place, std::int64_t amount) {
    shard()[place].fetch_add(amount, std::memory_order_relaxed);
  }
  std::int64_t sum(std::size_t place) const;

 private:
  using Cell = std::atomic<std::int64_t>;
  static constexpr std::size_t kShards = 16;
  Cell* shard() const;
  std::size_t stride_;  // whole cache lines
  std::unique_ptr<Cell[]> cells_;
};

// One number for each combination of its labels' values. Any thread.
class Numbers : public Metric {
 public:
  Numbers(MetricKind kind, std::string name, std::string help, std::vector<MetricLabel> labels);
  ~Numbers() override { forget(); }
  MetricFamily collect() const override;

 protected:
  // Places in the labels' lists, in their order: enumerations or numbers. Others than the lists have are not counted.
  template <class... Places>
  void add_at(std::int64_t amount, Places... places) {
    const std::array<std::size_t, sizeof...(places)> all{static_cast<std::size_t>(places)...};
    if (const auto place = place_of(all.data(), all.size()); place < count_) cells_.add(place, amount);
  }

 private:
  std::size_t place_of(const std::size_t* places, std::size_t count) const;

  MetricKind kind_;
  std::vector<MetricLabel> labels_;
  std::size_t count_;
  MetricCells cells_;
};

// They only grow.
class Counters final : public Numbers {
 public:
  Counters(std::string name, std::string help, std::vector<MetricLabel> labels = {})
      : Numbers(MetricKind::counter, std::move(name), std::move(help), std::move(labels)) {}
  template <class... Places>
  void count(Places... places) {
    add_at(1, places...);
  }
  template <class... Places>
  void add(std::uint64_t amount, Places... places) {
    add_at(static_cast<std::int64_t>(amount), places...);
  }
};

// How many there are: counted when they come and when they go.
class Gauges final : public Numbers {
 public:
  Gauges(std::string name, std::string help, std::vector<MetricLabel> labels = {})
      : Numbers(MetricKind::gauge, std::move(name), std::move(help), std::move(labels)) {}
  template <class... Places>
  void add(std::int64_t amount, Places... places) {
    add_at(amount, places...);
  }
};

// How long something took. Any thread.
class Durations final : public Metric {
 public:
  // `bounds` grow.
  Durations(std::string name, std::string help, std::vector<std::chrono::microseconds> bounds);
  ~Durations() override { forget(); }
  void observe(std::chrono::nanoseconds took);
  MetricFamily collect() const override;

 private:
  std::vector<std::chrono::microseconds> bounds_;
  MetricCells cells_;  // one for each bound, one for what is longer, and the sum in nanoseconds
};

// Asked for when it is collected. `values` gives each series' value of the label (from a list that is known when the program
// is built) and its number; it may block for milliseconds, not longer.
class Sampled final : public Metric {
 public:
  using Values = std::function<std::vector<std::pair<std::string, double>>()>;
  // An empty label: one series without.
  Sampled(MetricKind kind, std::string name, std::string help, std::string label, Values values);
  ~Sampled() override { forget(); }
  MetricFamily collect() const override;

 private:
  MetricKind kind_;
  std::string label_;
  Values values_;
};

}  // namespace postrider::sys
