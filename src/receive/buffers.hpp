// Read buffers that sessions borrow while there is something to read, so that an idle one holds none.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace postrider::receive {

inline constexpr std::size_t kReadBuffer = 64 * 1024;

// Thread rule: each thread has its own pool, and gives back what it took. Keeps at most 16 unused buffers.
class BufferPool {
 public:
  using Buffer = std::unique_ptr<char[]>;

  static Buffer take() {
    auto& spare = spares();
    if (spare.empty()) return std::make_unique_for_overwrite<char[]>(kReadBuffer);
    auto buffer = std::move(spare.back());
    spare.pop_back();
    return buffer;
  }
  static void give_back(Buffer buffer) {
    if (spares().size() < kSpares) spares().push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kSpares = 16;
  static std::vector<Buffer>& spares() {
    thread_local std::vector<Buffer> buffers;
    return buffers;
  }
};

}  // namespace postrider::receive
