#include "store/edits_record.hpp"
#include "store/spool_core.hpp"

namespace postrider::store {
namespace {

std::unexpected<base::Failure> gone(base::MessageId id) {
  return store_failure("message " + id.to_string() + " is gone");
}

}  // namespace

MessageReader::MessageReader(std::shared_ptr<SpoolCore> core, base::MessageId id)
    : core_(std::move(core)), id_(id) {}

base::Result<std::string> MessageReader::next() {
  if (ended_) return std::string();
  auto piece = core_->piece(id_, next_chunk_);
  if (!piece) return std::unexpected(std::move(piece.error()));
  if (!piece->bytes) {
    // Behind the last chunk, or instead of a body: then something is lost.
    if (next_chunk_ < piece->chunks || returned_ != piece->size) return core_->damaged_body(id_);
    ended_ = true;
    return std::string();
  }
  ++next_chunk_;
  returned_ += piece->bytes->size();
  ended_ = piece->chunks == 0;
  if ((ended_ || next_chunk_ == piece->chunks) && returned_ != piece->size) return core_->damaged_body(id_);
  return std::move(*piece->bytes);
}

base::Result<Piece> SpoolCore::piece(base::MessageId id, std::uint32_t seq) {
  try {
    auto found = readers->with([&](Reader& reader) { return reader.piece(id, seq); });
    if (!found) return store_failure("the spool is closed");
    if (!*found) return gone(id);
    return std::move(**found);
  } catch (const SqlError& error) {
    if (error.is_damage()) report({.what = BadRecord::What::body, .id = {id, 0}, .why = error.what()});
    return store_failure(error.what());
  }
}

std::unexpected<base::Failure> SpoolCore::damaged_body(base::MessageId id) {
  const std::string why = "a piece of the body is missing";
  report({.what = BadRecord::What::body, .id = {id, 0}, .why = why});
  return store_failure("message " + id.to_string() + ": " + why);
}

base::Result<mail::Edits> SpoolCore::edits(base::MessageId id) {
  std::string why = "not a record that this version can read";
  try {
    const auto found = readers->with([&](Reader& reader) { return reader.edits(id); });
    if (!found) return store_failure("the spool is closed");
    if (!*found) return gone(id);
    if (auto record = decode_edits(**found)) return std::move(record->edits);
  } catch (const SqlError& error) {
    if (!error.is_damage()) return store_failure(error.what());
    why = error.what();
  }
  report({.what = BadRecord::What::edits, .id = {id, 0}, .why = why});
  return store_failure("message " + id.to_string() + ", edits: " + why);
}

}  // namespace postrider::store
