#include <utility>

#include "store/spool_core.hpp"

namespace postrider::store {

Draft::Draft(std::shared_ptr<SpoolCore> core, base::MessageId id) : core_(std::move(core)), id_(id) {
  ++core_->state.drafts;
}

Draft::Draft(Draft&& other) noexcept = default;

Draft& Draft::operator=(Draft&& other) noexcept {
  if (this == &other) return *this;
  drop();
  core_ = std::move(other.core_);
  id_ = other.id_;
  chunk_ = std::move(other.chunk_);
  size_ = other.size_;
  chunks_written_ = other.chunks_written_;
  return *this;
}

Draft::~Draft() { drop(); }

void Draft::drop() noexcept {
  if (!core_) return;
  --core_->state.drafts;
  core_->state.draft_bytes -= size_;
  if (chunks_written_ > 0) core_->post(drop_job(id_));
  core_.reset();
}

void Draft::append(std::string_view bytes) {
  chunk_ += bytes;
  size_ += bytes.size();
  core_->state.draft_bytes += bytes.size();
}

}  // namespace postrider::store
