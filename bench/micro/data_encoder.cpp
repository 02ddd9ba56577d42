// The encoder of DATA, fed with strings that are given away, as the client feeds it.
#include "wire/smtp/data_encoder.hpp"

#include <utility>

#include "bodies.hpp"
#include "measure.hpp"

namespace postrider::bench {
namespace {

// What comes back is fed again, so nothing is copied.
void encode(benchmark::State& state, Body make, std::size_t size) {
  std::string piece = make(size);
  measure(state, size, [&] {
    wire::smtp::DataEncoder encoder;
    piece = encoder.feed(std::move(piece));
    benchmark::DoNotOptimize(encoder.finish().data());
  });
}

// The copy that is fed is part of the figure.
void double_dots(benchmark::State& state, Body make, std::size_t size) {
  const std::string body = make(size);
  measure(state, size, [&] {
    wire::smtp::DataEncoder encoder;
    const auto data = encoder.feed(body);
    benchmark::DoNotOptimize(data.data());
  });
}

BENCHMARK_CAPTURE(encode, 4KiB_lines, lines_of_76, 4u << 10);
BENCHMARK_CAPTURE(encode, 64KiB_lines, lines_of_76, 64u << 10);
BENCHMARK_CAPTURE(double_dots, 64KiB_dot_lines, dot_lines, 64u << 10);
BENCHMARK_CAPTURE(encode, 64KiB_one_line, long_line, 64u << 10);

}  // namespace
}  // namespace postrider::bench
