#include "admin/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <limits>

#include "sys/metrics.hpp"

namespace postrider::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricType type_of(sys::MetricKind kind) {
  switch (kind) {
    case sys::MetricKind::counter:
      return MetricType::Counter;
    case sys::MetricKind::gauge:
      return MetricType::Gauge;
    case sys::MetricKind::histogram:
      break;
  }
  return MetricType::Histogram;
}

ClientMetric::Histogram histogram_of(const sys::MetricFamily::Series& series) {
  ClientMetric::Histogram out;
  out.sample_count = series.count;
  out.sample_sum = series.value;
  for (const auto& bucket : series.buckets) out.bucket.push_back({bucket.count, bucket.most});
  out.bucket.push_back({series.count, std::numeric_limits<double>::infinity()});
  return out;
}

prometheus::MetricFamily converted(const sys::MetricFamily& family) {
  prometheus::MetricFamily out{family.name, family.help, type_of(family.kind), {}};
  for (const auto& series : family.series) {
    ClientMetric metric;
    for (std::size_t i = 0; i < family.labels.size(); ++i)
      metric.label.push_back({family.labels[i], series.values[i]});
    metric.counter.value = metric.gauge.value = series.value;
    if (family.kind == sys::MetricKind::histogram) metric.histogram = histogram_of(series);
    out.metric.push_back(std::move(metric));
  }
  return out;
}

}  // namespace

std::string metrics_text() {
  std::vector<prometheus::MetricFamily> all;
  for (const auto& family : sys::collect_metrics()) all.push_back(converted(family));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace postrider::admin
