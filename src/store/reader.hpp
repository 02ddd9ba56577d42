// Connections that only read, for those who ask for one message.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// A message's body, or one chunk of it.
struct Piece {
  std::uint64_t size = 0;            // of the whole message
  std::uint32_t chunks = 0;          // 0: `bytes` are the whole body
  std::optional<std::string> bytes;  // nothing where that chunk is missing
};

// One thread at a time. Methods throw SqlError.
class Reader {
 public:
  Reader(const std::string& path, const char* vfs);

  // Nothing where there is no such message.
  std::optional<std::string> edits(base::MessageId id);
  std::optional<Piece> piece(base::MessageId id, std::uint32_t seq);

 private:
  Database database_;
  Statement select_edits_, select_body_;
};

// Any thread. A thread that finds all readers lent waits for one: each is held for one statement.
class ReaderPool {
 public:
  ReaderPool(const std::string& path, const char* vfs, std::size_t count);

  // Calls use(Reader&). Nothing where the pool is closed.
  template <class Use>
  auto with(Use use) -> std::optional<decltype(use(std::declval<Reader&>()))> {
    const Lent lent(*this);
    if (!lent.reader) return {};
    return use(*lent.reader);
  }
  // Waits for those that are lent, and closes all connections.
  void close();

 private:
  struct Lent {
    explicit Lent(ReaderPool& from) : pool(from), reader(from.take()) {}
    Lent(const Lent&) = delete;
    ~Lent() {
      if (reader) pool.give_back(std::move(reader));
    }
    ReaderPool& pool;
    mutable std::unique_ptr<Reader> reader;
  };
  std::unique_ptr<Reader> take();
  void give_back(std::unique_ptr<Reader> reader);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Reader>> idle_;
  std::size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace postrider::store
