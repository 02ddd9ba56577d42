// What the micro-benchmarks have in common.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace postrider::bench {

// Calls of operator new so far, on all threads. malloc() of C libraries is not counted.
std::uint64_t allocations();

// Times `once`, which works on `bytes` octets. Reports bytes per second, and as "allocs" the allocations of one call; the
// first call is not counted, since it fills what is kept from call to call.
template <class Function>
void measure(benchmark::State& state, std::size_t bytes, Function once) {
  once();
  std::uint64_t allocated = 0;
  for (auto _ : state) {
    const auto before = allocations();
    once();
    allocated += allocations() - before;
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.counters["allocs"] =
      benchmark::Counter(static_cast<double>(allocated), benchmark::Counter::kAvgIterations);
}

}  // namespace postrider::bench
