#include "deliver/shared_content.hpp"

#include <utility>
#include <vector>

namespace postrider::deliver {
namespace {

// Pieces that were read ahead, then the rest of the source.
class Resumed final : public queue::Content {
 public:
  Resumed(std::vector<base::Result<std::string>> ahead, std::unique_ptr<queue::Content> rest)
      : ahead_(std::move(ahead)), rest_(std::move(rest)) {}

  base::Result<std::string> next() override {
    if (at_ < ahead_.size()) return std::move(ahead_[at_++]);
    return rest_ ? rest_->next() : base::Result<std::string>(std::string());
  }

 private:
  std::vector<base::Result<std::string>> ahead_;
  std::unique_ptr<queue::Content> rest_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<queue::Content> SharedContent::open() {
  std::vector<base::Result<std::string>> ahead;
  if (whole_) {
    ahead.emplace_back(*whole_);
    return std::make_unique<Resumed>(std::move(ahead), nullptr);
  }
  auto content = source_();
  if (std::exchange(tried_, true)) return content;
  ahead.push_back(content->next());
  const bool more = ahead.back() && !ahead.back()->empty();
  if (more) ahead.push_back(content->next());
  if (ahead.back() && ahead.back()->empty()) {
    whole_ = *ahead.front();
    content.reset();
  }
  return std::make_unique<Resumed>(std::move(ahead), std::move(content));
}

}  // namespace postrider::deliver
