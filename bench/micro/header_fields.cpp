// The header section: gathered while the message streams in, and walked over afterwards.
#include "wire/mime/header_fields.hpp"

#include <string>

#include "bodies.hpp"
#include "header.hpp"
#include "measure.hpp"

namespace postrider::bench {
namespace {

using wire::mime::FieldScanner;
using wire::mime::HeaderCollector;

void scan_header(benchmark::State& state) {
  measure(state, kHeader.size(), [&] {
    std::size_t fields = 0;
    for (FieldScanner scan(kHeader); const auto field = scan.next();) {
      benchmark::DoNotOptimize(field->value.data());
      ++fields;
    }
    if (fields != 16) state.SkipWithError("wrong number of fields");
  });
}

// Of a message whose body has `body_size` octets, which comes in pieces of `piece`. Only the header counts as work.
void collect_header(benchmark::State& state, std::size_t body_size, std::size_t piece) {
  const std::string message = std::string(kHeader) + "\r\n" + lines_of_76(body_size);
  measure(state, kHeader.size(), [&] {
    HeaderCollector collector(256u << 10);
    for (std::size_t at = 0; at < message.size(); at += piece)
      collector.feed(std::string_view(message).substr(at, piece));
    if (collector.finish() != HeaderCollector::State::complete) state.SkipWithError("not complete");
    benchmark::DoNotOptimize(collector.header().data());
  });
}

void find_last_field(benchmark::State& state) {
  measure(state, kHeader.size(), [&] {
    auto field = wire::mime::find_field(kHeader, "Content-Type");
    benchmark::DoNotOptimize(field);
  });
}

BENCHMARK(scan_header);
BENCHMARK(find_last_field);
BENCHMARK_CAPTURE(collect_header, 4KiB_at_once, 4u << 10, 64u << 10);
BENCHMARK_CAPTURE(collect_header, 60KiB_at_once, 60u << 10, 64u << 10);
BENCHMARK_CAPTURE(collect_header, 4KiB_in_packets, 4u << 10, 1448);

}  // namespace
}  // namespace postrider::bench
