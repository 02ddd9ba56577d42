// The decoder of DATA and the check of BDAT, beside memchr over the same octets.
#include "wire/smtp/data_decoder.hpp"

#include <cstring>

#include "bodies.hpp"
#include "measure.hpp"

namespace postrider::bench {
namespace {

using wire::smtp::ChunkDecoder;
using wire::smtp::DataDecoder;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::size_t kPiece = 64 * kKiB;  // what a session reads at once
constexpr std::size_t kPacket = 1448;      // what a network brings at once

void decode(benchmark::State& state, Body make, std::size_t size, std::size_t piece_size = kPiece) {
  const std::string data = as_data(make(size));
  measure(state, data.size(), [&] {
    DataDecoder decoder;
    bool ended = false;
    for (std::size_t at = 0; at < data.size();) {
      auto piece = std::string_view(data).substr(at, piece_size);
      at += piece.size();
      while (!piece.empty()) {
        const auto step = decoder.step(piece);
        benchmark::DoNotOptimize(step.content.data());
        piece.remove_prefix(step.consumed);
        ended = step.ended;
      }
    }
    if (!ended || decoder.fault() != wire::smtp::ContentFault::none) state.SkipWithError("not decoded");
  });
}

void check_chunks(benchmark::State& state, Body make, std::size_t size) {
  const std::string body = make(size);
  measure(state, body.size(), [&] {
    ChunkDecoder decoder;
    for (std::size_t at = 0; at < body.size(); at += kPiece)
      decoder.feed(std::string_view(body).substr(at, kPiece));
    decoder.finish();
    if (decoder.fault() != wire::smtp::ContentFault::none) state.SkipWithError("not well");
  });
}

// The end of each line, which a decoder that only looks for line ends would pay.
void find_each_lf(benchmark::State& state, Body make, std::size_t size) {
  const std::string data = as_data(make(size));
  measure(state, data.size(), [&] {
    const char* at = data.data();
    const char* const end = at + data.size();
    while (at < end) {
      const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
      benchmark::DoNotOptimize(found);
      at = found ? static_cast<const char*>(found) + 1 : end;
    }
  });
}

// An octet that is not there: what reading the memory costs.
void find_nothing(benchmark::State& state, Body make, std::size_t size) {
  const std::string data = as_data(make(size));
  measure(state, data.size(), [&] {
    const void* found = std::memchr(data.data(), '\x01', data.size());
    benchmark::DoNotOptimize(found);
  });
}

BENCHMARK_CAPTURE(decode, 4KiB_lines, lines_of_76, 4 * kKiB);
BENCHMARK_CAPTURE(decode, 64KiB_lines, lines_of_76, 64 * kKiB);
BENCHMARK_CAPTURE(decode, 64MiB_lines, lines_of_76, 64 * kMiB);
BENCHMARK_CAPTURE(decode, 64KiB_lines_in_packets, lines_of_76, 64 * kKiB, kPacket);
BENCHMARK_CAPTURE(decode, 64KiB_dot_lines, dot_lines, 64 * kKiB);
BENCHMARK_CAPTURE(decode, 64KiB_one_line, long_line, 64 * kKiB);
BENCHMARK_CAPTURE(check_chunks, 64KiB_lines, lines_of_76, 64 * kKiB);
BENCHMARK_CAPTURE(check_chunks, 64MiB_lines, lines_of_76, 64 * kMiB);
BENCHMARK_CAPTURE(find_each_lf, 4KiB_lines, lines_of_76, 4 * kKiB);
BENCHMARK_CAPTURE(find_each_lf, 64KiB_lines, lines_of_76, 64 * kKiB);
BENCHMARK_CAPTURE(find_each_lf, 64MiB_lines, lines_of_76, 64 * kMiB);
BENCHMARK_CAPTURE(find_each_lf, 64KiB_dot_lines, dot_lines, 64 * kKiB);
BENCHMARK_CAPTURE(find_each_lf, 64KiB_one_line, long_line, 64 * kKiB);
BENCHMARK_CAPTURE(find_nothing, 4KiB_lines, lines_of_76, 4 * kKiB);
BENCHMARK_CAPTURE(find_nothing, 64KiB_lines, lines_of_76, 64 * kKiB);
BENCHMARK_CAPTURE(find_nothing, 64MiB_lines, lines_of_76, 64 * kMiB);

}  // namespace
}  // namespace postrider::bench
