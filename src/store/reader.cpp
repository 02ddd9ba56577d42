#include "store/reader.hpp"

namespace postrider::store {

Reader::Reader(const std::string& path, const char* vfs)
    : database_(path, vfs, Database::Access::read_only),
      select_edits_(database_, "SELECT edits FROM message WHERE id = ?1"),
      // One statement sees one state of the file: the message and its chunk, or neither.
      select_body_(database_,
                   "SELECT m.size, m.chunks, CASE WHEN m.chunks = 0 THEN m.body ELSE "
                   "(SELECT data FROM chunk WHERE message = m.id AND seq = ?2) END "
                   "FROM message m WHERE m.id = ?1") {}

std::optional<std::string> Reader::edits(base::MessageId id) {
  Rows rows = select_edits_.query(id.value);
  if (!rows.next()) return {};
  return std::string(rows.bytes(0));
}

std::optional<Piece> Reader::piece(base::MessageId id, std::uint32_t seq) {
  Rows rows = select_body_.query(id.value, std::int64_t{seq});
  if (!rows.next()) return {};
  Piece piece{.size = static_cast<std::uint64_t>(rows.number(0)),
              .chunks = static_cast<std::uint32_t>(rows.number(1)),
              .bytes = {}};
  if (!rows.null(2)) piece.bytes = rows.bytes(2);
  return piece;
}

ReaderPool::ReaderPool(const std::string& path, const char* vfs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) idle_.push_back(std::make_unique<Reader>(path, vfs));
}

std::unique_ptr<Reader> ReaderPool::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !idle_.empty(); });
  if (closed_) return nullptr;
  auto reader = std::move(idle_.back());
  idle_.pop_back();
  ++lent_;
  return reader;
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
  {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
    --lent_;
  }
  changed_.notify_all();
}

void ReaderPool::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return lent_ == 0; });
  idle_.clear();
}

}  // namespace postrider::store
